package jws

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// FuzzParse: no body panics; each refusal can stand in a reply; what is accepted was signed as it was sent, and what
// verifies go-jose reads in the same way.
func FuzzParse(f *testing.F) {
	for _, algorithm := range Algorithms() {
		f.Add(must(Sign(signers()[algorithm], SignOptions{Nonce: testNonce, URL: testURL}, []byte("{}"))))
		f.Add(must(Sign(signers()[algorithm], SignOptions{KeyID: testKeyID, URL: testURL}, nil)))
	}
	for _, seed := range []string{
		signed(header("crit", `["x"]`), "{}"), signed(header("jwk", "{}"), ""), signed(header("alg", `"none"`), ""),
		`{"signatures":[]}`, "e30.e30.AA", strings.Repeat(".", 100), bound(macHeader("", ""), "{}"),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(checkParse)
}

// FuzzParseHeader has the properties of FuzzParse for any text in the place of the protected header.
func FuzzParseHeader(f *testing.F) {
	for _, algorithm := range Algorithms() {
		f.Add(`{"alg":"` + algorithm + `","url":"u","jwk":` + string(publicKey(algorithm).JWK()) + `}`)
	}
	for _, seed := range []string{
		header("", ""), header("crit", `["b64"],"b64":false`), header("jku", `"https://a.example","x5c":["AA=="]`),
		header("nonce", `"AA=="`), header("kid", ""), header("jwk", `{"kty":"oct","k":"AA"}`), "{}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) { checkParse(t, []byte(signed(header, "{}"))) })
}

// FuzzNonces: whatever a body is, its nonces are few, and the one that Parse reads is among them.
func FuzzNonces(f *testing.F) {
	for _, seed := range []string{
		signed(header("", ""), "{}"), signed(header("alg", "1"), ""), `{"protected":"` + b64(`{"nonce":"a","nonce":"b"}`) + `","protected":1}`,
		`{"signatures":[{"protected":"` + b64(`{"nonce":"a"`) + `="}]}`, b64(`{"nonce":"a"}`) + ".e30.AA", strings.Repeat(`{"a":`, 100), "{\"\xff\":1}",
		`{"protected":"` + base64.StdEncoding.EncodeToString([]byte(`{"x":">>>???\u00fb\u00ff","nonce":"a"}`)) + `"}`,
		`{"protected":" +` + b64(`{"nonce":"a"}`) + ` "}`, `{"protected":{"nonce":"a"}}`, strings.Repeat(`{"protected":`, 100),
		`{"protected":"{\"nonce\":\"a\"}"}`, byteOrderMark + signed(header("", ""), "{}"), `{"Protected":"` + b64(`{"NONCE":"a"}`) + `"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		nonces := Nonces(body)
		if len(nonces) > maxNonces {
			t.Errorf("%d nonces", len(nonces))
		}
		if message, err := Parse(body); err == nil && message.Header.HasNonce && len(nonces) < maxNonces && !slices.Contains(nonces, message.Header.Nonce) {
			t.Errorf("%q is not among %q", message.Header.Nonce, nonces)
		}
	})
}

func checkParse(t *testing.T, body []byte) {
	message, err := Parse(body)
	if err != nil {
		checkFuzzRefusal(t, err)
		return
	}
	h := message.Header
	if (h.KeyID == "") == (h.Key == nil) || h.URL == "" || !slices.Contains(Algorithms(), h.Algorithm) {
		t.Errorf("accepted %+v", h)
	}
	if !h.HasNonce && h.Nonce != "" || message.PostAsGet != (len(message.Payload) == 0) {
		t.Errorf("nonce %v %q, PostAsGet %v", h.HasNonce, h.Nonce, message.PostAsGet)
	}
	checkSignedText(t, body, message.signed)
	if h.Key != nil && message.Verify(*h.Key) == nil {
		checkOracle(t, body, h.Key.Public(), message.Payload)
	}
}

// FuzzParseMAC has the properties of FuzzParse for external account bindings.
func FuzzParseMAC(f *testing.F) {
	for _, algorithm := range MACAlgorithms() {
		f.Add(must(SignMAC(macKey(), algorithm, SignOptions{KeyID: testMACKeyID, URL: testURL}, []byte("{}"))))
	}
	for _, seed := range []string{signed(header("", ""), "{}"), bound(macHeader("kid", `"é"`), ""), "null", "{}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		message, err := ParseMAC(body)
		if err != nil {
			checkFuzzRefusal(t, err)
			return
		}
		if message.KeyID == "" || message.URL == "" || !slices.Contains(MACAlgorithms(), message.Algorithm) {
			t.Errorf("accepted %+v", message)
		}
		checkSignedText(t, body, message.signed)
		if message.VerifyMAC(nil) == nil {
			t.Error("verified without a key")
		}
	})
}

// FuzzParseKey: an accepted key has one canonical JWK, which reads as the same key, here and in go-jose.
func FuzzParseKey(f *testing.F) {
	for _, algorithm := range Algorithms() {
		f.Add(publicKey(algorithm).JWK())
	}
	for _, seed := range []string{
		`{"kty":"oct","k":"AA"}`, `{"kty":"RSA","n":"AA","e":"AQAB","d":"AA"}`, `{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}`,
		`{"kty":"RSA","e":"AAEAAQ","n":"` + b64("\x00"+string(must(decodeB64(rfc7638Modulus)))) + `"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, jwk []byte) {
		key, err := ParseKey(jwk)
		if err != nil {
			checkFuzzRefusal(t, err)
			return
		}
		again, err := ParseKey(key.JWK())
		if err != nil || again.Thumbprint() != key.Thumbprint() || !bytes.Equal(again.JWK(), key.JWK()) {
			t.Fatalf("%s reads as %s, %v", key.JWK(), again.JWK(), err)
		}
		fromPublic, err := KeyFromPublic(key.Public())
		if err != nil || !fromPublic.Equal(key) {
			t.Fatalf("its public key reads as %s, %v", fromPublic.JWK(), err)
		}
		var oracle jose.JSONWebKey
		if err := oracle.UnmarshalJSON(key.JWK()); err != nil {
			t.Fatalf("go-jose refuses %s: %v", key.JWK(), err)
		}
		if thumbprint, err := oracle.Thumbprint(crypto.SHA256); err != nil || encode(thumbprint) != key.Thumbprint() {
			t.Errorf("go-jose has another thumbprint for %s: %v", key.JWK(), err)
		}
	})
}

// checkSignedText demands that the signing input is the very text of the body, as another parser sees it.
func checkSignedText(t *testing.T, body, signed []byte) {
	t.Helper()
	var parts map[string]json.RawMessage
	var protected, payload string
	err := errors.Join(json.Unmarshal(body, &parts), json.Unmarshal(parts["protected"], &protected), json.Unmarshal(parts["payload"], &payload))
	if err != nil || protected+"."+payload != string(signed) {
		t.Errorf("signed %q, sent %q, %v", signed, protected+"."+payload, err)
	}
}

func checkFuzzRefusal(t *testing.T, err error) {
	t.Helper()
	switch fault.KindOf(err) {
	case fault.Malformed, fault.BadPublicKey, fault.BadSignatureAlgorithm:
	default:
		t.Errorf("unexpected kind: %v", err)
	}
	if public := fault.Sentence(err); !utf8.ValidString(public) || len(public) > 1500 {
		t.Errorf("not a sentence for a reply: %q", public)
	}
}
