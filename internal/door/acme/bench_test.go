package acme_test

import (
	"net/http"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/jws"
	"github.com/everleaf-pki/everleaf/internal/manage"
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

// BenchmarkRenewalInfo is what a stranger's question costs, without an override and behind as many as there may be.
func BenchmarkRenewalInfo(b *testing.B) {
	h := newHouse(b, quick)
	url := at("renewal-info/" + h.account(b).issue("a.example.com").renewalID())
	run := func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			h.get(url).want(b, http.StatusOK)
		}
	}
	b.Run("without overrides", run)
	for range 100 {
		_, _, err := h.manage.OverrideRenewal(b.Context(), "test", manage.NewOverride{Set: manage.CertificateFilter{Name: ".example.org", Issuer: "default"}})
		check(b, err)
	}
	b.Run("behind 100 overrides", run)
}
