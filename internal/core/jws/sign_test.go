package jws

import (
	"bytes"
	"crypto"
	"crypto/elliptic"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

func TestSign(t *testing.T) {
	for _, algorithm := range Algorithms() {
		key := publicKey(algorithm)
		for name, opts := range map[string]SignOptions{
			"account":  {KeyID: testKeyID, Nonce: testNonce, URL: testURL},
			"embedded": {Nonce: testNonce, URL: testURL},
			"no nonce": {URL: testURL},
		} {
			for _, payload := range [][]byte{nil, {}, []byte("{}"), []byte("\"\\\x00\xff")} {
				body := must(Sign(signers()[algorithm], opts, payload))
				message, err := Parse(body)
				if err != nil {
					t.Fatalf("%s %s: %v", algorithm, name, err)
				}
				got := message.Header
				if got.KeyID != opts.KeyID || got.Nonce != opts.Nonce || got.HasNonce != (opts.Nonce != "") || got.URL != opts.URL {
					t.Errorf("%s %s: got %+v", algorithm, name, got)
				}
				if (got.Key == nil) != (opts.KeyID != "") || got.Key != nil && !got.Key.Equal(key) {
					t.Errorf("%s %s: embedded key %v", algorithm, name, got.Key)
				}
				if !bytes.Equal(message.Payload, payload) || message.PostAsGet != (len(payload) == 0) {
					t.Errorf("%s %s: payload %q, PostAsGet %v", algorithm, name, message.Payload, message.PostAsGet)
				}
				if err := message.Verify(key); err != nil {
					t.Errorf("%s %s: %v", algorithm, name, err)
				}
			}
		}
	}
}

func TestSignIsDeterministic(t *testing.T) {
	for _, algorithm := range Algorithms() {
		opts := SignOptions{Nonce: testNonce, URL: testURL}
		first, second := must(Sign(signers()[algorithm], opts, nil)), must(Sign(signers()[algorithm], opts, nil))
		if !bytes.Equal(first, second) {
			t.Errorf("%s: %s\n%s", algorithm, first, second)
		}
	}
}

// TestSignPadsShortHalves signs until r or s has a leading zero octet, which must be kept.
func TestSignPadsShortHalves(t *testing.T) {
	found := false
	for i := range 2000 {
		message := must(Parse(must(Sign(signers()["ES256"], SignOptions{KeyID: testKeyID, URL: testURL + strings.Repeat("x", i%500)}, []byte{byte(i), byte(i >> 8)}))))
		if message.signature[0] != 0 && message.signature[32] != 0 {
			continue
		}
		if err := message.Verify(publicKey("ES256")); err != nil || len(message.signature) != 64 {
			t.Fatalf("%d octets: %v", len(message.signature), err)
		}
		found = true
		break
	}
	if !found {
		t.Error("no short half in 2000 signatures")
	}
}

// failingSigner is a key store that answers with an error or with nonsense.
type failingSigner struct {
	crypto.Signer
	answer []byte
	err    error
}

func (s failingSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return s.answer, s.err
}

func TestSignErrors(t *testing.T) {
	broken := errors.New("token removed")
	if _, err := Sign(failingSigner{Signer: signers()["ES256"], err: broken}, SignOptions{}, nil); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if _, err := Sign(failingSigner{Signer: signers()["ES256"], answer: []byte("no DER")}, SignOptions{}, nil); err == nil {
		t.Error("nonsense in place of a signature")
	}
	if _, err := Sign(must(ecKeyOf(elliptic.P224(), 1)), SignOptions{}, nil); !fault.Is(err, fault.BadPublicKey) {
		t.Errorf("P-224: got %v", err)
	}
}
