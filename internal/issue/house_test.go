package issue_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/jws"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/issue"
	"github.com/everleaf-pki/everleaf/internal/manage"
	"github.com/everleaf-pki/everleaf/test/catest"
)

// house is the use cases in an installation, with the connector "default".
type house struct {
	*catest.Installation
	t         *testing.T
	manage    *manage.Service
	issue     *issue.Service
	connector policy.Connector
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{Installation: catest.New(t, time.Now()), t: t}
	h.manage = h.Manage(h.Store)
	h.issue = h.service(nil)
	var err error
	h.connector, err = h.issue.Connector(t.Context(), policy.KindACME, "default")
	check(t, err)
	return h
}

// service returns more use cases on the installation, changed by change; nil changes nothing.
func (h *house) service(change func(*issue.Engines, *issue.Options)) *issue.Service {
	engines, options := h.Engines(), h.Options(5*time.Second)
	if change != nil {
		change(&engines, &options)
	}
	return h.Issue(h.t, engines, options)
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantKind(t *testing.T, err error, kind fault.Kind) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Errorf("error %v, want the kind %q", err, kind)
	}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	return key
}

func publicKey(t *testing.T, key crypto.Signer) jws.Key {
	t.Helper()
	public, err := jws.KeyFromPublic(key.Public())
	check(t, err)
	return public
}

// requester makes an account with a new key.
func (h *house) requester() issue.Requester {
	h.t.Helper()
	return h.requesterWith(newKey(h.t))
}

func (h *house) requesterWith(key crypto.Signer) issue.Requester {
	h.t.Helper()
	a, _, err := h.issue.NewAccount(h.t.Context(), h.connector, issue.NewAccount{Key: publicKey(h.t, key)})
	check(h.t, err)
	r, err := h.issue.Admit(h.t.Context(), h.connector, a)
	check(h.t, err)
	return r
}

func dns(names ...string) issue.NewOrder {
	var o issue.NewOrder
	for _, n := range names {
		o.Names = append(o.Names, issue.Name{Type: "dns", Value: n})
	}
	return o
}

// ready opens an order and proves all its names.
func (h *house) ready(r issue.Requester, o issue.NewOrder) issue.OrderView {
	h.t.Helper()
	order, err := h.issue.NewOrder(h.t.Context(), r, o)
	check(h.t, err)
	for _, a := range order.Parts {
		_, err := h.issue.Respond(h.t.Context(), r, a.ID, a.Challenges[0].Method)
		check(h.t, err)
	}
	view, err := h.issue.Order(h.t.Context(), r, order.ID)
	check(h.t, err)
	if view.Status != acme.Ready {
		h.t.Fatalf("the order is %s", view.Status)
	}
	return view
}

func request(t *testing.T, key crypto.Signer, names ...string) []byte {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: names}, key)
	check(t, err)
	return der
}

// issued goes all the way to a certificate.
func (h *house) issued(r issue.Requester, key crypto.Signer, names ...string) issue.Download {
	h.t.Helper()
	order := h.ready(r, dns(names...))
	view, err := h.issue.Finalize(h.t.Context(), r, order.ID, request(h.t, key, names...))
	check(h.t, err)
	if view.Status != acme.Valid {
		h.t.Fatalf("the order is %s: %s", view.Status, fmt.Sprint(view.Failure))
	}
	d, err := h.issue.Certificate(h.t.Context(), r, view.Order.Certificate)
	check(h.t, err)
	return d
}
