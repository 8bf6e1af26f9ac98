package acme_test

import (
	"net/http"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/jws"
)

// BenchmarkRead is what a client's poll costs the server, from the parsed HTTP request to the reply.
func BenchmarkRead(b *testing.B) {
	h := newHouse(b, quick)
	c := h.account(b)
	order, _ := c.order("a.example.com")
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		body := c.sign(jws.SignOptions{KeyID: c.kid, URL: order}, nil)
		b.StartTimer()
		h.post(order, body).want(b, http.StatusOK)
	}
}

// BenchmarkNewNonce is what a stranger can ask for without a signature.
func BenchmarkNewNonce(b *testing.B) {
	h := newHouse(b, quick)
	b.ReportAllocs()
	for b.Loop() {
		h.get(at("new-nonce")).want(b, http.StatusNoContent)
	}
}
