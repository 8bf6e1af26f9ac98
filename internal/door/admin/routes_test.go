package admin_test

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/core/limit"
	"github.com/everleaf-pki/everleaf/internal/door/admin"
)

// TestClientReachesEveryRoute calls each method of the client, looks that every answer begins with the version of the
// schema, and looks in the log that no operation of the door was left out.
func TestClientReachesEveryRoute(t *testing.T) {
	h := newHouse(t)
	e := h.enrol(t)
	ctx, c := t.Context(), adminapi.NewClient(versioned{t, adminapi.InProcess(h.door)})
	credential, err := c.CreateCredential(ctx, adminapi.NewCredential{Name: "web", Connector: "default"})
	if err != nil {
		t.Fatal(err)
	}
	kid := credential.KID
	key, err := x509.MarshalPKCS8PrivateKey(newKey(t))
	if err != nil {
		t.Fatal(err)
	}
	another := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	calls := []func() error{
		func() error { _, err := c.Organisations(ctx); return err },
		func() error {
			_, err := c.CreateOrganisation(ctx, adminapi.NewOrganisation{Name: "garden"})
			return err
		},
		func() error { _, err := c.Connectors(ctx); return err },
		func() error { _, err := c.CreateConnector(ctx, adminapi.NewConnector{Name: "web"}); return err },
		func() error { _, err := c.Connector(ctx, "web"); return err },
		func() error { _, err := c.ChangeRules(ctx, "web", adminapi.RulesChange{}); return err },
		func() error { _, err := c.SuspendConnector(ctx, "web"); return err },
		func() error { _, err := c.ResumeConnector(ctx, "web"); return err },
		func() error { _, err := c.Credentials(ctx, "default"); return err },
		func() error { _, err := c.Credential(ctx, kid); return err },
		func() error { _, err := c.ChangeTerms(ctx, kid, adminapi.TermsChange{}); return err },
		func() error { _, err := c.RotateCredential(ctx, kid, adminapi.Rotation{}); return err },
		func() error { _, err := c.SuspendCredential(ctx, kid, adminapi.StopCredential{}); return err },
		func() error {
			return refused(c.SuspendCredential(ctx, kid, adminapi.StopCredential{Reason: "superseded"}))
		},
		func() error { _, err := c.ResumeCredential(ctx, kid); return err },
		func() error {
			_, err := c.DeleteCredential(ctx, kid, adminapi.StopCredential{Revoke: true, Reason: "superseded"})
			return err
		},
		func() error { _, err := c.Revocation(ctx, kid); return err },
		func() error { _, err := c.ContinueRevocation(ctx, kid); return err },
		func() error {
			_, err := c.CreatePerspective(ctx, adminapi.NewPerspective{Name: "east", URL: "https://east.example.com:8444", Key: strings.Repeat("ab", 32)})
			return err
		},
		func() error { _, err := c.Perspectives(ctx); return err },
		func() error { _, err := c.Perspective(ctx, "east"); return err },
		func() error { _, err := c.DeletePerspective(ctx, "east"); return err },
		func() error { _, err := c.Profiles(ctx); return err },
		func() error { _, err := c.Profile(ctx, "default", "default"); return err },
		func() error { _, err := c.SaveProfile(ctx, "", "new", adminapi.SpecChange{}); return err },
		func() error { _, err := c.Issuers(ctx); return err },
		func() error { _, err := c.Issuer(ctx, "root"); return err },
		func() error { _, err := c.NextIssuer(ctx, "default", adminapi.NextIssuer{}); return err },
		func() error {
			_, err := c.BlockKeys(ctx, adminapi.BlockKeys{Keys: []string{strings.Repeat("ab", 32)}})
			return err
		},
		func() error {
			found, err := c.BlockedKeys(ctx, "", 1)
			if len(found.Keys) != 1 || found.Next == "" {
				t.Errorf("blocked keys: %+v", found)
			}
			return err
		},
		func() error { return refused(c.BlockedKeys(ctx, "no hash", 1)) },
		func() error { return refused(c.BlockKeys(ctx, adminapi.BlockKeys{})) },
		func() error {
			b := adminapi.BlockKeys{Keys: []string{strings.Repeat("ab", 32)}, Certificate: e.certificate.ID}
			return refused(c.BlockKeys(ctx, b))
		},
		func() error { _, err := c.CreateIssuer(ctx, "root", adminapi.IssuerBelow{Name: "shops"}); return err },
		func() error { return refused(c.CrossIssuer(ctx, "shops", adminapi.CrossIssuer{By: "shops"})) },
		func() error { return refused(c.ImportIssuer(ctx, adminapi.NewIssuer{Cross: true})) },
		func() error { return refused(c.NextIssuer(ctx, "default", adminapi.NextIssuer{Key: another})) },
		func() error { return refused(c.ImportIssuer(ctx, adminapi.NewIssuer{Key: another})) },
		func() error { _, err := c.Accounts(ctx, "default", adminapi.Page{}); return err },
		func() error { _, err := c.Account(ctx, e.account.ID); return err },
		func() error { return refused(c.Records(ctx, e.account.ID, "no name")) },
		func() error { _, err := c.RevokeAccount(ctx, e.account.ID); return err },
		func() error { _, err := c.Orders(ctx, "default", adminapi.Page{}); return err },
		func() error { _, err := c.Order(ctx, e.order.ID); return err },
		func() error {
			filter := adminapi.CertificateFilter{Name: "www.example.com", Connector: "default", Account: e.account.ID, ExpiresAfter: start}
			found, err := c.Certificates(ctx, filter)
			if len(found.Certificates) != 1 {
				t.Errorf("the filter found %d certificates", len(found.Certificates))
			}
			return err
		},
		func() error { _, err := c.Certificate(ctx, string(e.certificate.Serial)); return err },
		func() error {
			_, err := c.RevokeCertificate(ctx, e.certificate.ID, adminapi.Revocation{})
			return err
		},
		func() error { _, err := c.RevokeMany(ctx, adminapi.ManyRevocations{Key: e.certificate.ID}); return err },
		func() error {
			_, err := c.OverrideRenewal(ctx, adminapi.NewRenewalOverride{All: true})
			return err
		},
		func() error {
			found, err := c.RenewalOverrides(ctx, true)
			if err == nil {
				_, err = c.EndRenewalOverride(ctx, found.RenewalOverrides[0].ID)
			}
			return err
		},
		func() error {
			a, err := c.Why(ctx, adminapi.Question{Names: []string{"www.example.com", "192.0.2.1"}})
			if !a.Would || len(a.Needs) != 2 || a.Profile != "default" {
				t.Errorf("the answer is %+v", a)
			}
			return err
		},
		func() error { _, err := c.Events(ctx, kid, adminapi.Page{}); return err },
		func() error {
			o := adminapi.LimitOverride{Account: e.account.ID, Kind: limit.OrdersPerAccount, Rate: "5/1d"}
			return second(c.OverrideLimit(ctx, o))
		},
		func() error {
			found, err := c.Limits(ctx, "default", "")
			if len(found.Limits) != 2 {
				t.Errorf("%d limits are shown", len(found.Limits))
			}
			return err
		},
		func() error {
			o := adminapi.LimitOverride{Account: e.account.ID, Kind: limit.OrdersPerAccount, Rate: adminapi.RateUsual}
			return second(c.OverrideLimit(ctx, o))
		},
		func() error {
			return second(c.ResetLimit(ctx, adminapi.LimitReset{Kind: limit.OrdersPerAccount, Subject: e.account.ID}))
		},
		func() error {
			return second(c.ResumeLimit(ctx, adminapi.LimitResume{Account: e.account.ID, Name: "example.com"}))
		},
		func() error { _, err := c.AcceptClock(ctx); return err },
	}
	for n, call := range calls {
		if err := call(); err != nil {
			t.Errorf("call %d: %v", n+1, err)
		}
	}
	served := routesIn(t, h.log.String())
	for _, pattern := range admin.Patterns() {
		if !slices.Contains(served, pattern) {
			t.Errorf("no method of the client reaches %s", pattern)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// versioned is a transport that looks at the beginning of every answer.
type versioned struct {
	t    *testing.T
	next http.RoundTripper
}

func (v versioned) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := v.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if !bytes.HasPrefix(body, []byte(`{"schema_version":1,"`)) {
		v.t.Errorf("%s %s answers %.60s", r.Method, r.URL, body)
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return answer, err
}

// refused returns nil when the door refused.
func refused[T any](_ T, err error) error {
	if refusal, ok := errors.AsType[*adminapi.Error](err); ok && refusal.Status == http.StatusBadRequest {
		return nil
	}
	return errors.New("not refused")
}

// routesIn returns the routes in the records of the log.
func routesIn(t *testing.T, log string) []string {
	t.Helper()
	var routes []string
	for line := range strings.Lines(log) {
		var record struct{ Route string }
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatal(err)
		}
		routes = append(routes, record.Route)
	}
	return routes
}
