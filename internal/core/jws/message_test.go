package jws

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

func TestParseAccepts(t *testing.T) {
	key := publicKey("ES256")
	request := Header{Algorithm: "ES256", Nonce: testNonce, HasNonce: true, URL: testURL, KeyID: testKeyID}
	inner := Header{Algorithm: "ES256", URL: testURL, Key: &key}
	tests := []struct {
		name, body string
		header     Header
		payload    string
		postAsGet  bool
	}{
		{"request", signed(header("", ""), `{"a":1}`), request, `{"a":1}`, false},
		{"POST-as-GET", signed(header("", ""), ""), request, "", true},
		{"empty object is no POST-as-GET", signed(header("", ""), "{}"), request, "{}", false},
		{"payload need not be JSON", signed(header("", ""), "\x00\xff"), request, "\x00\xff", false},
		{"J-15 URLs of keys are ignored", signed(header("jku", `"https://a.example","x5u":["b"],"x5c":{}`), "x"), request, "x", false},
		{"J-04 inner JWS of a key change", signed(`{"alg":"ES256","url":"`+testURL+`","jwk":`+string(key.JWK())+`}`, "x"), inner, "x", false},
		{"unknown members of the JWS", `{"x":{},` + signed(header("", ""), "x")[1:], request, "x", false},
		{"B-05 case variants are unknown members", signed(header("JWK", `1,"Kid":2,"ALG":"none","Crit":[]`), "x"), request, "x", false},
		{"longest URL and kid", signed(header("kid", `"`+strings.Repeat("k", MaxURL)+`"`), "x"), withKeyID(request, strings.Repeat("k", MaxURL)), "x", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			message, err := Parse([]byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.header, message.Header, cmp.Comparer(Key.Equal)); diff != "" {
				t.Error(diff)
			}
			if string(message.Payload) != tt.payload || message.PostAsGet != tt.postAsGet {
				t.Errorf("payload %q, PostAsGet %v", message.Payload, message.PostAsGet)
			}
			if err := message.Verify(key); err != nil {
				t.Error(err)
			}
		})
	}
}

func withKeyID(h Header, keyID string) Header {
	h.KeyID = keyID
	return h
}

// TestParseRefusesForms has what is no flattened JWS of ours: J-01 to J-03, B-01 to B-06, INCIDENTS 88.
// Proves INC-88.
func TestParseRefusesForms(t *testing.T) {
	good := signed(header("", ""), "{}")
	p, l, s := b64(header("", "")), b64("{}"), strings.Repeat("A", 86)
	tests := []struct{ name, body, why string }{
		{"nothing", "", "A JSON object is required"},
		{"J-01 compact", p + "." + l + "." + s, "A JSON object is required"},
		{"J-01 compact in a JSON string", `"` + p + "." + l + "." + s + `"`, "A JSON object is required"},
		{"J-01 general, one signature", `{"payload":"` + l + `","signatures":[{"protected":"` + p + `","signature":"` + s + `"}]}`, `has "signatures"`},
		{"J-01 general, two signatures", `{"payload":"` + l + `","signatures":[{},{}]}`, `has "signatures"`},
		{"J-01 flattened and general at once (CVE-2016-9122)", `{"signatures":[],` + good[1:], `has "signatures"`},
		{"J-01 null signatures", `{"signatures":null,` + good[1:], `has "signatures"`},
		{"J-02 unprotected header", `{"header":{"kid":"x"},` + good[1:], `unprotected "header"`},
		{"J-02 empty unprotected header", `{"header":{},` + good[1:], `unprotected "header"`},
		{"J-02 null unprotected header", `{"header":null,` + good[1:], `unprotected "header"`},
		{"J-03 detached payload", `{"protected":"` + p + `","signature":"` + s + `"}`, `has no "payload"`},
		{"J-03 null payload", strings.Replace(good, `"payload":"`+l+`"`, `"payload":null`, 1), `JSON member "/payload": A string`},
		{"payload as object", strings.Replace(good, `"payload":"`+l+`"`, `"payload":{}`, 1), `JSON member "/payload": A string`},
		{"no protected header", `{"payload":"` + l + `","signature":"` + s + `"}`, `has no "protected"`},
		{"empty protected header", flattened("", l, s), "JWS protected header: A JSON object is required"},
		{"no signature", `{"protected":"` + p + `","payload":"` + l + `"}`, `has no "signature"`},
		{"empty signature", flattened(p, l, ""), `has no "signature"`},
		{"JWE", `{"protected":"` + p + `","encrypted_key":"AA","iv":"AA","ciphertext":"AA","tag":"AA"}`, `has no "payload"`},
		{"B-01 protected", flattened(p+"=", l, s), `JSON member "/protected": This is not base64url`},
		{"B-01 payload", flattened(p, "e30=", s), `JSON member "/payload": This is not base64url`},
		{"B-01 signature", flattened(p, l, s+"=="), `JSON member "/signature": This is not base64url`},
		{"B-02 payload", flattened(p, "+/+/", s), `send "-" and "_"`},
		{"B-03 payload", flattened(p, "e31", s), "unused bits"},
		{"B-03 signature", flattened(p, l, s[:85]+"B"), "unused bits"},
		{"B-04 payload", flattened(p, `e3\n0`, s), "line break"},
		{"B-04 payload", flattened(p, `e3 0`, s), "a character outside"},
		{"B-05 duplicate member", `{"payload":"AA",` + good[1:], `"/payload": it is there twice`},
		{"B-06 trailing data", good + good, "not valid at byte"},
		{"B-06 deep", strings.Repeat(`{"protected":`, 5000), "deeper than 16"},
		{"INCIDENTS 88 a megabyte of dots", strings.Repeat(".", 1<<20), "longer than 65536 octets"},
		{"INCIDENTS 88 dots within the limit", strings.Repeat(".", MaxBody), "A JSON object is required"},
		{"INCIDENTS 88 dots in a part", flattened(strings.Repeat(".", 60_000), l, s), `JSON member "/protected"`},
		{"too long by one", good + strings.Repeat(" ", MaxBody+1-len(good)), "longer than 65536 octets"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse([]byte(tt.body))
			checkRefusal(t, err, fault.Malformed, tt.why)
		})
	}
	if _, err := Parse([]byte(good + strings.Repeat(" ", MaxBody-len(good)))); err != nil {
		t.Errorf("the longest body: %v", err)
	}
}

// TestParseRefusesHeaders has protected headers with a right signature: J-02 to J-05, J-10, J-15, N-06.
func TestParseRefusesHeaders(t *testing.T) {
	jwk := string(publicKey("ES256").JWK())
	tests := []struct{ name, header, why string }{
		{"J-03 b64 false", header("b64", "false"), `has "b64"`},
		{"J-03 b64 true", header("b64", "true"), `has "b64"`},
		{"J-03 b64 null", header("b64", "null"), `has "b64"`},
		{"J-04 no alg", header("alg", ""), `no "alg"`},
		{"J-04 alg null", header("alg", "null"), `JWS protected header: JSON member "/alg": A string`},
		{"J-04 alg a list", header("alg", `["ES256"]`), `JSON member "/alg": A string`},
		{"J-04 no url", header("url", ""), `no "url"`},
		{"J-04 empty url", header("url", `""`), `no "url"`},
		{"J-04 url null", header("url", "null"), `JSON member "/url": A string`},
		{"url too long", header("url", `"`+strings.Repeat("u", MaxURL+1)+`"`), `"url" is too long`},
		{"J-10 kid and jwk", header("jwk", jwk), `both "kid" and "jwk"`},
		{"J-10 kid and jwk null", header("jwk", "null"), `both "kid" and "jwk"`},
		{"J-10 empty kid and jwk", strings.Replace(header("jwk", jwk), testKeyID, "", 1), `both "kid" and "jwk"`},
		{"J-10 neither", header("kid", ""), `neither "kid" nor "jwk"`},
		{"J-10 empty kid", header("kid", `""`), `no "kid"`},
		{"J-10 kid null", header("kid", "null"), `JSON member "/kid": A string`},
		{"kid too long", header("kid", `"`+strings.Repeat("k", MaxURL+1)+`"`), `"kid" is too long`},
		{"J-15 crit", header("crit", `["exp"],"exp":1`), `has "crit"`},
		{"J-15 crit of a known name", header("crit", `["url"]`), `has "crit"`},
		{"J-15 crit empty", header("crit", `[]`), `has "crit"`},
		{"J-15 crit null", header("crit", `null`), `has "crit"`},
		{"N-06 nonce with padding", header("nonce", `"AA=="`), `"nonce": This is not base64url`},
		{"N-06 nonce with a foreign character", header("nonce", `"AA!A"`), `"nonce": This is not base64url`},
		{"N-06 nonce with a line break", header("nonce", `"AA\n"`), `"nonce": This is not base64url`},
		{"N-06 nonce null", header("nonce", `null`), `JSON member "/nonce": A string`},
		{"N-06 nonce a number", header("nonce", `5`), `JSON member "/nonce": A string`},
		{"nonce too long", header("nonce", `"`+strings.Repeat("A", MaxNonce+1)+`"`), `"nonce" is too long`},
		{"B-05 duplicate kid", header("kid", `"a","kid":"b"`), `JSON member "/kid": it is there twice`},
		{"B-05 duplicate in jwk", `{"alg":"ES256","url":"u","jwk":{"kty":"EC","kty":"EC"}}`, `"/jwk/kty": it is there twice`},
		{"B-05 case variant of alg only", strings.Replace(header("", ""), `"alg"`, `"Alg"`, 1), `no "alg"`},
		{"B-06 header deep", header("x", strings.Repeat("[", 16)+strings.Repeat("]", 16)), "deeper than 16"},
		{"B-06 header with trailing data", header("", "") + "{}", "JWS protected header: The JSON is not valid"},
		{"header is no JSON", "alg=ES256", "JWS protected header: A JSON object is required"},
		{"header is not UTF-8", header("x", "\"\xff\""), "invalid UTF-8"},
		{"jwk null", strings.Replace(header("kid", "null"), "kid", "jwk", 1), "JWK: A JSON object is required"},
		{"jwk a string", strings.Replace(header("", ""), "kid", "jwk", 1), "JWK: A JSON object is required"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse([]byte(signed(tt.header, "{}")))
			checkRefusal(t, err, fault.Malformed, tt.why)
		})
	}
}

func TestParseReportsNonce(t *testing.T) {
	for name, want := range map[string]Header{
		header("nonce", ""):         {HasNonce: false, Nonce: ""},
		header("nonce", `""`):       {HasNonce: true, Nonce: ""},
		header("nonce", `"AAAAAA"`): {HasNonce: true, Nonce: "AAAAAA"},
	} {
		message, err := Parse([]byte(signed(name, "{}")))
		if err != nil {
			t.Fatal(err)
		}
		if message.Header.HasNonce != want.HasNonce || message.Header.Nonce != want.Nonce {
			t.Errorf("%s: got %v %q", name, message.Header.HasNonce, message.Header.Nonce)
		}
	}
}

// TestParseRefusesAlgorithms has J-05 and J-08: the refusal lists what is supported, with any kind of key.
func TestParseRefusesAlgorithms(t *testing.T) {
	want := []string{"ES256", "ES384", "ES512", "RS256", "EdDSA"}
	oct := strings.Replace(header("kid", `{"kty":"oct","k":"c2VjcmV0"}`), `"kid"`, `"jwk"`, 1)
	for _, algorithm := range []string{
		"none", "NONE", "", "HS256", "HS384", "HS512", "PS256", "RS384", "RS512", "ES256K", "es256", "Ed25519", "ES256 ",
		"RSA-OAEP", "PBES2-HS256+A128KW", strings.Repeat("A", 5000),
	} {
		for _, header := range []string{header("", ""), oct} {
			header = strings.Replace(header, `"ES256"`, `"`+algorithm+`"`, 1)
			_, err := Parse([]byte(signed(header, "{}")))
			checkRefusal(t, err, fault.BadSignatureAlgorithm, "use one of ES256, ES384, ES512, RS256, EdDSA")
			if got := algorithmsOf(err); !slices.Equal(got, want) {
				t.Errorf("%q: algorithms %q", algorithm, got)
			}
		}
	}
	if _, err := Parse([]byte(signed(oct, "{}"))); err == nil {
		t.Error("symmetric key accepted")
	} else {
		checkRefusal(t, err, fault.BadPublicKey, "symmetric")
	}
}
