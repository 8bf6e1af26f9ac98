package jws

import (
	"crypto"
	"crypto/elliptic"
	"encoding/base64"
	"errors"
	"math/big"
	"slices"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

func algorithmsOf(err error) []string {
	refusal, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return nil
	}
	return refusal.Algorithms
}

// TestVerifyAlgorithms has J-06, J-07, J-09 and J-16: every algorithm in the header with every type of key.
func TestVerifyAlgorithms(t *testing.T) {
	for _, inHeader := range Algorithms() {
		for _, ofKey := range Algorithms() {
			body := must(Sign(signers()[inHeader], SignOptions{KeyID: testKeyID, URL: testURL}, []byte("x")))
			err := must(Parse(body)).Verify(publicKey(ofKey))
			if inHeader == ofKey {
				if err != nil {
					t.Errorf("%s: %v", inHeader, err)
				}
				continue
			}
			checkRefusal(t, err, fault.Malformed, "does not verify with its key")
		}
	}
}

// TestVerifyTellsNothingOfTheKey: whatever is wrong with a signature, the sentence is the same.
func TestVerifyTellsNothingOfTheKey(t *testing.T) {
	sentences := map[string]bool{}
	for _, ofKey := range Algorithms() {
		for _, inHeader := range Algorithms() {
			for _, size := range []int{1, 64, 70, 96, 132, 256} {
				message := Message{Header: Header{Algorithm: inHeader}, signed: []byte("x"), signature: make([]byte, size)}
				err := message.Verify(publicKey(ofKey))
				if !fault.Is(err, fault.Malformed) {
					t.Errorf("%s under %s: %v", ofKey, inHeader, err)
				}
				sentences[fault.Sentence(err)] = true
			}
		}
	}
	if len(sentences) != 1 {
		t.Errorf("%d sentences: %v", len(sentences), sentences)
	}
}

// TestParseRefusesTheAlgorithmOfAnotherKey has J-09 for a key that is sent along: its owner may be told.
func TestParseRefusesTheAlgorithmOfAnotherKey(t *testing.T) {
	for _, inHeader := range Algorithms() {
		for _, ofKey := range Algorithms() {
			_, err := Parse([]byte(signed(`{"alg":"`+inHeader+`","url":"u","jwk":`+string(publicKey(ofKey).JWK())+`}`, "{}")))
			if inHeader == ofKey {
				if err != nil {
					t.Errorf("%s: %v", inHeader, err)
				}
				continue
			}
			checkRefusal(t, err, fault.BadPublicKey, "names the algorithm "+inHeader+", and its key is for "+ofKey)
		}
	}
}

// TestVerifyHeaderNeverDecides signs with the key's own algorithm under a header that names another.
// Proves J-16.
func TestVerifyHeaderNeverDecides(t *testing.T) {
	for _, inHeader := range []string{"ES384", "ES512", "RS256", "EdDSA"} {
		message := must(Parse([]byte(signed(header("alg", `"`+inHeader+`"`), "x"))))
		checkRefusal(t, message.Verify(publicKey("ES256")), fault.Malformed, "does not verify with its key")
	}
}

func TestVerifyZeroKey(t *testing.T) {
	message := must(Parse([]byte(signed(header("", ""), "x"))))
	checkRefusal(t, message.Verify(Key{}), fault.Malformed, "does not verify with its key")
}

// TestVerifyRefusesChanges has J-13: nothing that is signed can be changed, and no signature serves another key.
// Proves INC-81.
func TestVerifyRefusesChanges(t *testing.T) {
	for _, algorithm := range Algorithms() {
		t.Run(algorithm, func(t *testing.T) {
			body := must(Sign(signers()[algorithm], SignOptions{KeyID: testKeyID, URL: testURL, Nonce: testNonce}, []byte("payload")))
			for name, change := range map[string]func(*Message){
				"header":           func(m *Message) { m.signed[5] ^= 1 },
				"payload":          func(m *Message) { m.signed[len(m.signed)-1] ^= 1 },
				"first of r":       func(m *Message) { m.signature[0] ^= 1 },
				"last of s":        func(m *Message) { m.signature[len(m.signature)-1] ^= 1 },
				"signature zeroed": func(m *Message) { clear(m.signature) },
			} {
				message := must(Parse(body))
				change(message)
				if err := message.Verify(publicKey(algorithm)); !fault.Is(err, fault.Malformed) {
					t.Errorf("%s: got %v", name, err)
				}
			}
		})
	}
	other := must(KeyFromPublic(must(ecKeyOf(elliptic.P256(), 7)).Public()))
	message := must(Parse([]byte(signed(header("", ""), "x"))))
	checkRefusal(t, message.Verify(other), fault.Malformed, "does not verify")
}

// TestVerifyECDSAForm has J-17: r and s at full length, in range, and never DER.
func TestVerifyECDSAForm(t *testing.T) {
	for algorithm, size := range map[string]int{"ES256": 64, "ES384": 96, "ES512": 132} {
		t.Run(algorithm, func(t *testing.T) {
			key := publicKey(algorithm)
			message := must(Parse(must(Sign(signers()[algorithm], SignOptions{KeyID: testKeyID, URL: testURL}, []byte("x")))))
			good := slices.Clone(message.signature)
			if len(good) != size {
				t.Fatalf("%d octets, want %d", len(good), size)
			}
			order := key.scheme.curve.Params().N
			half := func(n *big.Int) []byte { return n.FillBytes(make([]byte, size/2)) }
			r, s := new(big.Int).SetBytes(good[:size/2]), new(big.Int).SetBytes(good[size/2:])
			der := must(signers()[algorithm].Sign(nil, key.scheme.digest(message.signed), key.scheme.hash))
			tests := []struct {
				name      string
				signature []byte
			}{
				{"DER", der},
				{"DER padded", append(slices.Clone(der), make([]byte, max(0, size-len(der)))...)},
				{"one octet short", good[1:]},
				{"one octet long", append([]byte{0}, good...)},
				{"twice", slices.Concat(good, good)},
				{"r zero", slices.Concat(half(big.NewInt(0)), half(s))},
				{"s zero", slices.Concat(half(r), half(big.NewInt(0)))},
				{"r the order", slices.Concat(half(order), half(s))},
				{"s the order", slices.Concat(half(r), half(order))},
				{"s beyond the order", slices.Concat(half(r), slices.Repeat([]byte{0xff}, size/2))},
			}
			if sum := new(big.Int).Add(r, order); sum.BitLen() <= size/2*8 {
				tests = append(tests, struct {
					name      string
					signature []byte
				}{"r plus the order", slices.Concat(half(sum), half(s))})
			}
			for _, tt := range tests {
				message.signature = tt.signature
				t.Run(tt.name, func(t *testing.T) {
					checkRefusal(t, message.Verify(key), fault.Malformed, "does not verify")
				})
			}
		})
	}
}

// TestVerifyRSAForm: the signature has exactly the length of the modulus, and PKCS #1 v1.5 only.
func TestVerifyRSAForm(t *testing.T) {
	key := publicKey("RS256")
	message := must(Parse(must(Sign(signers()["RS256"], SignOptions{KeyID: testKeyID, URL: testURL}, []byte("x")))))
	good := message.signature
	sha384 := must(signers()["RS256"].Sign(nil, crypto.SHA384.New().Sum(nil), crypto.SHA384))
	for name, signature := range map[string][]byte{
		"short": good[1:], "long": append([]byte{0}, good...), "other hash": sha384, "one": {1},
	} {
		message.signature = signature
		if err := message.Verify(key); !fault.Is(err, fault.Malformed) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestVectors has the published signatures: RFC 7515 appendix A.2 to A.4 and RFC 8037 appendix A.4.
func TestVectors(t *testing.T) {
	const claims = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
	tests := []struct{ name, jwk, input, signature string }{
		{
			"RFC 7515 A.2 RS256",
			`{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}`,
			"eyJhbGciOiJSUzI1NiJ9." + claims,
			"cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
		},
		{
			"RFC 7515 A.3 ES256",
			`{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`,
			"eyJhbGciOiJFUzI1NiJ9." + claims,
			"DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
		},
		{
			"RFC 7515 A.4 ES512",
			`{"kty":"EC","crv":"P-521","x":"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk","y":"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"}`,
			"eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA",
			"AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn",
		},
		{
			"RFC 8037 A.4 Ed25519",
			`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`,
			"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
			"hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			key, err := ParseKey([]byte(tt.jwk))
			if err != nil {
				t.Fatal(err)
			}
			signature := must(base64.RawURLEncoding.DecodeString(tt.signature))
			if !key.verifies([]byte(tt.input), signature) {
				t.Error("does not verify")
			}
			if key.verifies([]byte(tt.input+"A"), signature) {
				t.Error("verifies another message")
			}
		})
	}
}
