package jws

import "testing"

const benchPayload = `{"identifiers":[{"type":"dns","value":"www.shop.example.com"},{"type":"dns","value":"shop.example.com"}]}`

// BenchmarkParseVerify is what each request costs here: a body that names its account, with the key at hand.
func BenchmarkParseVerify(b *testing.B) {
	for _, algorithm := range Algorithms() {
		b.Run(algorithm, func(b *testing.B) {
			key := publicKey(algorithm)
			body := must(Sign(signers()[algorithm], SignOptions{KeyID: testKeyID, Nonce: testNonce, URL: testURL}, []byte(benchPayload)))
			b.ReportAllocs()
			for b.Loop() {
				message, err := Parse(body)
				if err != nil {
					b.Fatal(err)
				}
				if err := message.Verify(key); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	for name, opts := range map[string]SignOptions{
		"kid": {KeyID: testKeyID, Nonce: testNonce, URL: testURL},
		"jwk": {Nonce: testNonce, URL: testURL},
	} {
		b.Run(name, func(b *testing.B) {
			body := must(Sign(signers()["ES256"], opts, []byte(benchPayload)))
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
