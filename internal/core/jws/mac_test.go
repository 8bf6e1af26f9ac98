package jws

import (
	"slices"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

const testMACKeyID = "kid-1"

// macKey is long enough for each algorithm (RFC 7518 section 3.2).
func macKey() []byte { return slices.Repeat([]byte{7}, 64) }

// bound builds an external account binding with a right MAC over any header.
func bound(header, payload string) string {
	input := b64(header) + "." + b64(payload)
	return flattened(b64(header), b64(payload), encode(computeMAC("HS256", macKey(), []byte(input))))
}

func macHeader(name, value string) string {
	h := strings.Replace(header(name, value), `"nonce":"`+testNonce+`",`, "", 1)
	if name != "alg" {
		h = strings.Replace(h, `"ES256"`, `"HS256"`, 1)
	}
	return strings.Replace(h, testKeyID, testMACKeyID, 1)
}

func TestMACRoundTrip(t *testing.T) {
	payload := publicKey("ES256").JWK()
	for _, algorithm := range MACAlgorithms() {
		t.Run(algorithm, func(t *testing.T) {
			body := must(SignMAC(macKey(), algorithm, SignOptions{KeyID: testMACKeyID, URL: testURL}, payload))
			message, err := ParseMAC(body)
			if err != nil {
				t.Fatal(err)
			}
			if message.Algorithm != algorithm || message.KeyID != testMACKeyID || message.URL != testURL ||
				string(message.Payload) != string(payload) {
				t.Errorf("got %+v", message)
			}
			if err := message.VerifyMAC(macKey()); err != nil {
				t.Error(err)
			}
		})
	}
	if _, err := SignMAC(macKey(), "ES256", SignOptions{}, nil); err == nil {
		t.Error("SignMAC with ES256")
	}
}

// TestVerifyMACRefuses has EAB-04: every failure looks the same, the unknown key among them.
func TestVerifyMACRefuses(t *testing.T) {
	const why = "The external account binding does not verify; check the key ID and the MAC key that the CA's operator gave you."
	short := slices.Clone(macKey())[:63]
	empty := must(SignMAC(nil, "HS256", SignOptions{KeyID: testMACKeyID, URL: testURL}, []byte("{}")))
	good := must(SignMAC(macKey(), "HS512", SignOptions{KeyID: testMACKeyID, URL: testURL}, []byte("{}")))
	change := func(f func(*MACMessage)) *MACMessage {
		message := must(ParseMAC(good))
		f(message)
		return message
	}
	tests := []struct {
		name    string
		message *MACMessage
		key     []byte
	}{
		{"other key", must(ParseMAC(good)), short},
		{"no key", must(ParseMAC(good)), nil},
		{"no key, and the MAC made with none", must(ParseMAC(empty)), nil},
		{"no key, and the MAC made with none", must(ParseMAC(empty)), []byte{}},
		{"changed payload", change(func(m *MACMessage) { m.signed[len(m.signed)-1] ^= 1 }), macKey()},
		{"changed MAC", change(func(m *MACMessage) { m.mac[0] ^= 1 }), macKey()},
		{"MAC cut to half", change(func(m *MACMessage) { m.mac = m.mac[:32] }), macKey()},
		{"MAC of another algorithm", change(func(m *MACMessage) { m.Algorithm = "HS256" }), macKey()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.message.VerifyMAC(tt.key)
			checkRefusal(t, err, fault.Unauthorized, why)
		})
	}
}

// TestParseMACRefuses has EAB-02 and EAB-03.
func TestParseMACRefuses(t *testing.T) {
	jwk := string(publicKey("ES256").JWK())
	good := bound(macHeader("", ""), "{}")
	tests := []struct{ name, body, why string }{
		{"nothing", "", "A JSON object is required"},
		{"null", "null", "A JSON object is required"},
		{"compact", "e30.e30.AA", "A JSON object is required"},
		{"general", `{"payload":"e30","signatures":[]}`, `has "signatures"`},
		{"unprotected header", `{"header":{},` + good[1:], `unprotected "header"`},
		{"detached", `{"protected":"` + b64(macHeader("", "")) + `","signature":"AA"}`, `has no "payload"`},
		{"no MAC", flattened(b64(macHeader("", "")), "e30", ""), `has no "signature"`},
		{"B-01 padding", flattened(b64(macHeader("", "")), "e30=", "AA"), `JSON member "/payload"`},
		{"EAB-03 nonce", bound(macHeader("x", `1,"nonce":"AAAA"`), "{}"), `has a "nonce"`},
		{"EAB-03 empty nonce", bound(macHeader("x", `1,"nonce":""`), "{}"), `has a "nonce"`},
		{"EAB-03 jwk", bound(macHeader("jwk", jwk), "{}"), `has a "jwk"`},
		{"EAB-03 jwk null", bound(macHeader("jwk", "null"), "{}"), `has a "jwk"`},
		{"EAB-03 no kid", bound(macHeader("kid", ""), "{}"), `no "kid"`},
		{"EAB-03 empty kid", bound(macHeader("kid", `""`), "{}"), `no "kid"`},
		{"EAB-03 kid not ASCII", bound(macHeader("kid", `"ké"`), "{}"), "not printable ASCII"},
		{"EAB-03 kid with a control character", bound(macHeader("kid", `"k\u0000"`), "{}"), "not printable ASCII"},
		{"kid too long", bound(macHeader("kid", `"`+strings.Repeat("k", MaxKeyID+1)+`"`), "{}"), `"kid" is too long`},
		{"EAB-03 no url", bound(macHeader("url", ""), "{}"), `no "url"`},
		{"no alg", bound(macHeader("alg", ""), "{}"), `no "alg"`},
		{"crit", bound(macHeader("crit", `["x"]`), "{}"), `has "crit"`},
		{"b64", bound(macHeader("b64", "false"), "{}"), `has "b64"`},
		{"too long", strings.Repeat(" ", MaxBody+1), "longer than 65536"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseMAC([]byte(tt.body))
			checkRefusal(t, err, fault.Malformed, tt.why)
			if err != nil && !strings.HasPrefix(fault.Sentence(err), "External account binding: ") {
				t.Errorf("does not say where: %q", fault.Sentence(err))
			}
		})
	}
	if err := must(ParseMAC([]byte(good))).VerifyMAC(macKey()); err != nil {
		t.Errorf("the binding that the others are made from: %v", err)
	}
}

// TestParseMACRefusesAlgorithms has EAB-02: a signature or nothing is no MAC.
func TestParseMACRefusesAlgorithms(t *testing.T) {
	for _, algorithm := range append(Algorithms(), "none", "", "hs256", "HS1", "HS256/64") {
		_, err := ParseMAC([]byte(bound(macHeader("alg", `"`+algorithm+`"`), "{}")))
		checkRefusal(t, err, fault.BadSignatureAlgorithm, "use one of HS256, HS384, HS512")
		if got := algorithmsOf(err); !slices.Equal(got, MACAlgorithms()) {
			t.Errorf("%q: algorithms %q", algorithm, got)
		}
	}
}

// TestVectorMAC is RFC 7515 appendix A.1.
func TestVectorMAC(t *testing.T) {
	key := must(decodeB64("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"))
	message := MACMessage{
		Algorithm: "HS256",
		signed: []byte("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." +
			"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"),
		mac: must(decodeB64("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")),
	}
	if err := message.VerifyMAC(key); err != nil {
		t.Error(err)
	}
}
