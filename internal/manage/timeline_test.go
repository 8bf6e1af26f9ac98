package manage

import (
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

func name(t *testing.T, text string) ident.Identifier {
	t.Helper()
	id, err := ident.ParseDNS(text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// The life of an order: one name proven at the second look, one by an older proof, one pre-approved; CAA that refused
// once; then lint, signature, revocation.
func TestTimeline(t *testing.T) {
	noon := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	after := func(s int) time.Time { return noon.Add(time.Duration(s) * time.Second) }
	a, b, c := name(t, "a.example.com"), name(t, "b.example.com"), name(t, "c.example.com")
	refused := &acme.Failure{Kind: "connection", Public: "The connection was refused."}
	h := history{
		order: OrderView{
			Order: acme.Order{
				ID: "order1", Account: "acc1", ProfileName: "default", Identifiers: []ident.Identifier{a, b, c}, Created: noon, Begun: after(7), Certificate: "cert1",
			},
			Authorizations: []AuthorizationView{
				{Authorization: acme.Authorization{Identifier: a, Created: noon, Challenges: []acme.Challenge{
					{Method: acme.HTTP01, Validated: after(3), Attempts: []acme.Attempt{
						{At: after(1), Seen: "The connection was refused.", Failure: refused}, {At: after(3), Perspective: "east", Seen: "It matches."},
					}},
					{Method: acme.DNS01},
				}}},
				{Authorization: acme.Authorization{Identifier: b, Created: noon.Add(-time.Hour), Challenges: []acme.Challenge{
					{Method: acme.DNS01, Validated: noon.Add(-time.Hour), Attempts: []acme.Attempt{{At: noon.Add(-time.Hour), Seen: "It matches."}}},
				}}},
				{Authorization: acme.Authorization{Identifier: c, Created: noon, Approval: acme.Approval{Credential: "kid1", Name: "web", At: noon}}},
			},
			Checks: []acme.Check{{Identifier: a, Attempts: []acme.Attempt{{At: after(6), Seen: "Nothing forbids it."}}}},
		},
		certificate: &CertificateView{
			Certificate: pki.Certificate{Serial: "ff01", Issued: after(8), NotAfter: after(9000), Revoked: after(99), Reason: pki.Superseded, Warnings: []string{"a warning"}},
			IssuerName:  "default",
		},
		events: []event.Event{
			{Action: event.OrderCreated, At: noon},
			{Action: event.OrderFailed, At: after(5), Detail: "CAA records of a.example.com do not let this CA issue."},
		},
	}
	want := `0 Ordered by the account acc1: a.example.com, b.example.com, c.example.com, with the profile default.
0 b.example.com: the proof of 2026-11-28T11:00:00Z is used again.
0 c.example.com: pre-approved by the credential web.
1 a.example.com: looked at by http-01. The connection was refused.
3 a.example.com: looked at by http-01 from east. It matches.
3 a.example.com: proven by http-01.
5 CAA records of a.example.com do not let this CA issue.
6 a.example.com: CAA records looked for. Nothing forbids it.
7 Finalized: the certificate request fits the order, and the certificate passed the lint.
7 The lint warns: a warning
8 Signed by default with the serial number ff01, valid until 2026-11-28T14:30:00Z.
99 The certificate was revoked: superseded.
`
	var got strings.Builder
	for _, m := range timeline(h) {
		got.WriteString(strings.TrimSuffix(m.At.Sub(noon).String(), "s") + " " + m.What + "\n")
	}
	if text := strings.Replace(got.String(), "1m39 ", "99 ", 1); text != want {
		t.Errorf("got\n%swant\n%s", text, want)
	}
}

func TestTimelineOfAFailure(t *testing.T) {
	noon := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	a := name(t, "a.example.com")
	wrong := &acme.Failure{Kind: "unauthorized", Public: "It was another body."}
	moments := timeline(history{order: OrderView{
		Order: acme.Order{Account: "acc1", ProfileName: "default", Identifiers: []ident.Identifier{a}, Created: noon},
		Authorizations: []AuthorizationView{{Authorization: acme.Authorization{Identifier: a, Created: noon, Challenges: []acme.Challenge{
			{Method: acme.HTTP01, Failure: wrong, Attempts: []acme.Attempt{{At: noon.Add(time.Second), Seen: "Status 404.", Failure: wrong}}},
		}}}},
	}})
	if last := moments[len(moments)-1]; len(moments) != 3 || last.What != "a.example.com: not proven by http-01. It was another body." || !last.At.Equal(noon.Add(time.Second)) {
		t.Errorf("%+v", moments)
	}
}
