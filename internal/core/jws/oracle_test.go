package jws

import (
	"bytes"
	"crypto"
	"crypto/elliptic"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// oracleAlgorithms is what go-jose is told to accept.
func oracleAlgorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.ES256, jose.ES384, jose.ES512, jose.RS256, jose.EdDSA}
}

// TestOracleSigns: what go-jose signs, as ACME clients built on it do, we read in the same way.
func TestOracleSigns(t *testing.T) {
	payloads := []string{"", "{}", `{"termsOfServiceAgreed":true}`, "\x00\xff"}
	for _, algorithm := range Algorithms() {
		for _, embed := range []bool{true, false} {
			for _, payload := range payloads {
				body := oracleSign(t, algorithm, embed, payload)
				message, err := Parse([]byte(body))
				if err != nil {
					t.Fatalf("%s: %v\n%s", algorithm, err, body)
				}
				if string(message.Payload) != payload || message.PostAsGet != (payload == "") {
					t.Errorf("%s: payload %q, PostAsGet %v", algorithm, message.Payload, message.PostAsGet)
				}
				h := message.Header
				if h.Algorithm != algorithm || h.Nonce != testNonce || h.URL != testURL || (h.KeyID == testKeyID) == embed {
					t.Errorf("%s: got %+v", algorithm, h)
				}
				if embed && !h.Key.Equal(publicKey(algorithm)) {
					t.Errorf("%s: another key %s", algorithm, h.Key.JWK())
				}
				if err := message.Verify(publicKey(algorithm)); err != nil {
					t.Errorf("%s: %v", algorithm, err)
				}
			}
		}
	}
}

type fixedNonce struct{}

func (fixedNonce) Nonce() (string, error) { return testNonce, nil }

func oracleSign(t *testing.T, algorithm string, embed bool, payload string) string {
	t.Helper()
	options := &jose.SignerOptions{NonceSource: fixedNonce{}, EmbedJWK: embed}
	options.WithHeader("url", testURL)
	var key any = signers()[algorithm]
	if !embed {
		key = jose.JSONWebKey{Key: key, KeyID: testKeyID}
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(algorithm), Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return signed.FullSerialize()
}

// TestOracleVerifies: what we sign, go-jose verifies.
func TestOracleVerifies(t *testing.T) {
	for _, algorithm := range Algorithms() {
		for _, opts := range []SignOptions{{Nonce: testNonce, URL: testURL}, {KeyID: testKeyID, URL: testURL}} {
			body := must(Sign(signers()[algorithm], opts, []byte("payload")))
			checkOracle(t, body, publicKey(algorithm).Public(), []byte("payload"))
		}
	}
}

func checkOracle(t *testing.T, body []byte, key crypto.PublicKey, payload []byte) {
	t.Helper()
	parsed, err := jose.ParseSignedJSON(string(body), oracleAlgorithms())
	if err != nil {
		t.Fatalf("go-jose refuses: %v\n%s", err, body)
	}
	got, err := parsed.Verify(key)
	if err != nil || !bytes.Equal(got, payload) {
		t.Errorf("go-jose: %q, %v\n%s", got, err, body)
	}
}

func TestOracleMAC(t *testing.T) {
	for _, algorithm := range MACAlgorithms() {
		options := (&jose.SignerOptions{}).WithHeader("url", testURL).WithHeader("kid", testMACKeyID)
		signer := must(jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(algorithm), Key: macKey()}, options))
		theirs := must(ParseMAC([]byte(must(signer.Sign([]byte("{}"))).FullSerialize())))
		if err := theirs.VerifyMAC(macKey()); err != nil || theirs.KeyID != testMACKeyID || theirs.URL != testURL {
			t.Errorf("%s: %+v, %v", algorithm, theirs, err)
		}
		ours := must(SignMAC(macKey(), algorithm, SignOptions{KeyID: testMACKeyID, URL: testURL}, []byte("{}")))
		parsed := must(jose.ParseSignedJSON(string(ours), []jose.SignatureAlgorithm{jose.SignatureAlgorithm(algorithm)}))
		if payload, err := parsed.Verify(macKey()); err != nil || string(payload) != "{}" {
			t.Errorf("%s: go-jose: %q, %v", algorithm, payload, err)
		}
	}
}

// TestOracleThumbprint compares keys of each type, among them coordinates that begin with a zero octet (J-18).
// Proves J-18, INC-102.
func TestOracleThumbprint(t *testing.T) {
	var publics []crypto.PublicKey
	for _, algorithm := range Algorithms() {
		publics = append(publics, publicKey(algorithm).Public())
	}
	for _, short := range []struct { // small multiples of the base point with a coordinate that begins with zeros
		curve  elliptic.Curve
		scalar int64
	}{{elliptic.P256(), 43}, {elliptic.P384(), 176}, {elliptic.P384(), 197}, {elliptic.P521(), 2}} {
		key := must(ecKeyOf(short.curve, short.scalar))
		point := must(key.PublicKey.Bytes())
		if half := len(point) / 2; point[1] != 0 && point[1+half] != 0 {
			t.Fatalf("%s %d: no coordinate begins with a zero octet", short.curve.Params().Name, short.scalar)
		}
		publics = append(publics, key.Public())
	}
	for _, public := range publics {
		key := must(KeyFromPublic(public))
		theirs := jose.JSONWebKey{Key: public}
		if want := encode(must(theirs.Thumbprint(crypto.SHA256))); key.Thumbprint() != want {
			t.Errorf("got %s, go-jose %s: %s", key.Thumbprint(), want, key.JWK())
		}
		back, err := ParseKey(must(theirs.MarshalJSON()))
		if err != nil || !back.Equal(key) {
			t.Errorf("go-jose's JWK: %s, %v", back.JWK(), err)
		}
	}
}
