package admin_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/jws"
	"github.com/everleaf-pki/everleaf/internal/core/limit"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/span"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

func newKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// enrolled is what one client left behind: an account, an order that failed, and a certificate.
type enrolled struct {
	account     acme.Account
	order       acme.Order
	certificate pki.Certificate
}

// enrol records an enrolment at the default connector.
func (h *house) enrol(t *testing.T) enrolled {
	t.Helper()
	var e enrolled
	connector, err := h.service.Connector(t.Context(), manage.Default)
	if err != nil {
		t.Fatal(err)
	}
	key, err := jws.KeyFromPublic(newKey(t).Public())
	if err != nil {
		t.Fatal(err)
	}
	e.account = acme.Account{ID: h.NewID(), Connector: connector.ID, Key: key, Contacts: []string{"mailto:a@example.com"}, Created: start}
	if _, _, err := h.Store.CreateAccount(t.Context(), e.account, h.Event(event.AccountCreated, e.account.ID)); err != nil {
		t.Fatal(err)
	}
	profile, err := h.service.Profile(t.Context(), "", manage.Default)
	if err != nil {
		t.Fatal(err)
	}
	e.order = h.failedOrder(t, e.account, profile.Profile)
	e.certificate = h.issued(t, e.account, profile.Profile)
	return e
}

func name(t *testing.T, text string) ident.Identifier {
	t.Helper()
	identifier, err := ident.ParseDNS(text)
	if err != nil {
		t.Fatal(err)
	}
	return identifier
}

// failedOrder records an order whose wildcard could not be proven.
func (h *house) failedOrder(t *testing.T, a acme.Account, p pki.Profile) acme.Order {
	t.Helper()
	authorization := acme.Authorization{
		ID: h.NewID(), Account: a.ID, Connector: a.Connector, Identifier: name(t, "example.com"), Wildcard: true,
		Created: start, Expires: start.Add(time.Hour), Challenges: []acme.Challenge{{Method: acme.DNS01, Token: "token"}},
	}
	o := acme.Order{
		ID: h.NewID(), Account: a.ID, Connector: a.Connector, Profile: p.ID, ProfileName: p.Name,
		Identifiers: []ident.Identifier{name(t, "*.example.com")}, Created: start, Expires: start.Add(time.Hour),
		Authorizations: []string{authorization.ID},
	}
	limits := limit.Limits{Rates: map[limit.Kind]limit.Rate{limit.OrdersPerAccount: {Count: 5, Period: span.Day}}}
	charge := limits.Charge(limit.OrdersPerAccount, a.ID, start)
	if err := h.Store.CreateOrder(t.Context(), o, []acme.Authorization{authorization}, h.Event(event.OrderCreated, o.ID), charge); err != nil {
		t.Fatal(err)
	}
	conclusion := acme.Conclusion{
		Authorization: authorization.ID, Method: acme.DNS01, KeyAuthorization: "token.key", Now: start, Proof: limits.Proof(a.ID, "example.com", start),
		Outcome: acme.Outcome{Failure: &acme.Failure{Kind: string(fault.DNS), Public: "There is no such name."}, Attempts: []acme.Attempt{oneAttempt()}},
	}
	if _, err := h.Store.Conclude(t.Context(), conclusion, h.Event(event.AuthorizationInvalid, authorization.ID)); err != nil {
		t.Fatal(err)
	}
	return o
}

func oneAttempt() acme.Attempt {
	return acme.Attempt{
		At: start, Duration: 12, Seen: "NXDOMAIN", Retryable: true,
		Lookups: []acme.Lookup{{Name: "_acme-challenge.example.com", Type: "TXT", Server: "192.0.2.53:53", Result: "NXDOMAIN"}},
	}
}

// issued records a certificate.
func (h *house) issued(t *testing.T, a acme.Account, p pki.Profile) pki.Certificate {
	t.Helper()
	issuer, err := h.service.Issuer(t.Context(), manage.Default)
	if err != nil {
		t.Fatal(err)
	}
	request := pki.Request{
		Issuer: issuer.Issuer, Spec: p.Spec, Names: []ident.Identifier{name(t, "www.example.com")}, PublicKey: newKey(t).Public(), Serial: "4a1122334455667788",
	}
	if request.NotBefore, request.NotAfter, err = pki.Window(p.Spec, time.Time{}, time.Time{}, issuer.Issuer, start); err != nil {
		t.Fatal(err)
	}
	return h.Record(t, request, pki.Certificate{
		Organisation: p.Organisation, Connector: a.Connector, Account: a.ID, Profile: p.ID, ProfileName: p.Name,
	})
}

func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// TestCertificateOnTheWire pins the JSON of a certificate, which is stable.
func TestCertificateOnTheWire(t *testing.T) {
	h := newHouse(t)
	e := h.enrol(t)
	want := map[string]any{
		"id": e.certificate.ID, "serial": "4a1122334455667788", "names": []any{"www.example.com"},
		"not_before": "2026-11-23T11:00:00Z", "not_after": "2027-02-21T10:59:59Z", "status": "valid", "profile": "default",
		"connector": "default", "account": e.account.ID, "issuer": "default", "issuer_id": e.certificate.Issuer,
		"fingerprint": fingerprint(e.certificate.DER), "issued": "2026-11-23T12:00:00Z",
	}
	var list struct {
		SchemaVersion int              `json:"schema_version"`
		Certificates  []map[string]any `json:"certificates"`
	}
	got := h.send(t, http.MethodGet, "/v1/certificates", "")
	if err := json.Unmarshal([]byte(got.body), &list); err != nil || list.SchemaVersion != 1 || len(list.Certificates) != 1 {
		t.Fatalf("%s (%v)", got.body, err)
	}
	if diff := cmp.Diff(want, list.Certificates[0]); diff != "" {
		t.Errorf("in a list (-want +got):\n%s", diff)
	}

	got = h.send(t, http.MethodPost, "/v1/certificates/4A:11:22:33:44:55:66:77:88/revoke", `{"reason":"keyCompromise"}`)
	var revoked map[string]any
	if err := json.Unmarshal([]byte(got.body), &revoked); err != nil {
		t.Fatalf("%s (%v)", got.body, err)
	}
	want["schema_version"] = 1.0
	want["status"], want["revoked_at"], want["reason"] = "revoked", "2026-11-23T12:00:00Z", "keyCompromise"
	want["changed"] = true
	if diff := cmp.Diff(want, revoked); diff != "" {
		t.Errorf("revoked (-want +got):\n%s", diff)
	}
}

func TestCertificateWithItsChain(t *testing.T) {
	h := newHouse(t)
	e := h.enrol(t)
	shown, err := h.client.Certificate(t.Context(), e.certificate.ID)
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := h.client.Issuer(t.Context(), manage.Default)
	if err != nil {
		t.Fatal(err)
	}
	leaf, above := blocks(t, shown.PEM), blocks(t, issuer.PEM)
	if len(leaf) != 2 || len(above) != 2 {
		t.Fatalf("%d certificates with the leaf, %d with its issuer; want 2 and 2", len(leaf), len(above))
	}
	if !leaf[1].Equal(above[0]) || leaf[0].CheckSignatureFrom(leaf[1]) != nil || above[0].CheckSignatureFrom(above[1]) != nil {
		t.Error("the chain does not fit together")
	}
	if issuer.Subject != above[0].Subject.String() || issuer.Fingerprint != fingerprint(above[0].Raw) || !issuer.Signs || !issuer.HasKey {
		t.Errorf("issuer %+v", issuer)
	}
}

func blocks(t *testing.T, text string) []*x509.Certificate {
	t.Helper()
	var certificates []*x509.Certificate
	for block, rest := pem.Decode([]byte(text)); block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		certificates = append(certificates, certificate)
	}
	return certificates
}

func TestOrderWithItsEvidence(t *testing.T) {
	h := newHouse(t)
	e := h.enrol(t)
	got, err := h.client.Order(t.Context(), e.order.ID)
	if err != nil {
		t.Fatal(err)
	}
	failure := &acme.Failure{Kind: string(fault.DNS), Public: "There is no such name."}
	want := adminapi.Order{
		ID: e.order.ID, Connector: "default", Account: e.account.ID, Profile: "default", Status: "invalid", Names: []string{"*.example.com"},
		Created: start, Expires: start.Add(time.Hour),
		Authorizations: []adminapi.Authorization{{
			ID: e.order.Authorizations[0], Name: "*.example.com", Status: "invalid", Created: start, Expires: start.Add(time.Hour),
			Challenges: []adminapi.Challenge{{Method: "dns-01", Status: "invalid", Failure: failure, Attempts: []adminapi.Attempt{adminapi.Attempt(oneAttempt())}}},
		}},
		Timeline: []adminapi.Moment{
			{At: start, What: "Ordered by the account " + e.account.ID + ": *.example.com, with the profile default."},
			{At: start, What: "*.example.com: looked at by dns-01. NXDOMAIN"},
			{At: start, What: "*.example.com: not proven by dns-01. There is no such name."},
		},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b ident.Identifier) bool { return a == b })); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestAccount(t *testing.T) {
	h := newHouse(t)
	e := h.enrol(t)
	want := adminapi.Account{
		ID: e.account.ID, Connector: "default", Status: "valid", Contacts: []string{"mailto:a@example.com"},
		Algorithm: "ES256", Thumbprint: e.account.Key.Thumbprint(), Created: start,
	}
	got, err := h.client.Account(t.Context(), e.account.ID)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	want.Status, want.Revoked = "revoked", start
	got, err = h.client.RevokeAccount(t.Context(), e.account.ID)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("revoked: %v (-want +got):\n%s", err, diff)
	}
}

func TestPagesThroughTheClient(t *testing.T) {
	h := newHouse(t)
	for _, organisation := range []string{"a", "b", "c"} {
		if _, err := h.client.CreateOrganisation(t.Context(), adminapi.NewOrganisation{Name: organisation}); err != nil {
			t.Fatal(err)
		}
	}
	all, err := h.client.Events(t.Context(), "", adminapi.Page{})
	if err != nil || all.Next != "" {
		t.Fatalf("next %q (%v)", all.Next, err)
	}
	var paged []adminapi.Event
	for page := (adminapi.Page{Limit: 2}); ; {
		part, err := h.client.Events(t.Context(), "", page)
		if err != nil || len(part.Events) > 2 {
			t.Fatalf("%d events (%v)", len(part.Events), err)
		}
		paged = append(paged, part.Events...)
		if page.Before = part.Next; page.Before == "" {
			break
		}
	}
	if diff := cmp.Diff(all.Events, paged); diff != "" {
		t.Errorf("pages (-whole +parts):\n%s", diff)
	}
}
