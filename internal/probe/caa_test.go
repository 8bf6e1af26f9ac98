package probe

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/caa"
	"github.com/everleaf-pki/everleaf/test/chaltest"
)

// asked is a question about a name that was proven by http-01.
func asked(text string) caa.Question {
	return caa.Question{Name: name(text), Identities: []string{"ca.example"}, AccountURL: "https://ca.example/account/1", Method: acme.HTTP01}
}

func lookCAA(t *testing.T, p *Prober, q caa.Question) acme.Attempt {
	t.Helper()
	attempt := p.LookCAA(t.Context(), q)
	if attempt.Seen == "" || attempt.Failure != nil && attempt.Failure.Identifier != q.Name {
		t.Errorf("%+v", attempt)
	}
	return attempt
}

// climbed returns the names that were asked for CAA records.
func climbed(queries []chaltest.Query) string {
	var names []string
	for _, q := range queries {
		if q.Type == "CAA" {
			names = append(names, q.Name)
		}
	}
	return strings.Join(names, " ")
}

// Proves CAA-01, CAA-02, CAA-10. Where the relevant set is looked for.
func TestClimb(t *testing.T) {
	const (
		refused = "caa: The CAA records of "
		own     = "The CAA records of "
	)
	issue := func(value string) chaltest.CAA { return chaltest.CAA{Tag: "issue", Value: value} }
	tests := []struct {
		name    string
		asked   string
		prepare func(*chaltest.DNS)
		verdict string
		seen    string // its beginning, when it is allowed
		climb   string
	}{
		{"no records anywhere", "www.shop.test", nil, "valid", "There are no CAA records for www.shop.test.", "www.shop.test shop.test test"},
		{"at the name", "www.shop.test", func(d *chaltest.DNS) { d.SetCAA("www.shop.test", issue("ca.example")) }, "valid", own + "www.shop.test ", "www.shop.test"},
		{"the closest set counts, and it alone", "www.shop.test", func(d *chaltest.DNS) {
			d.SetCAA("www.shop.test", issue("ca.example"))
			d.SetCAA("shop.test", issue(";"))
		}, "valid", own + "www.shop.test ", "www.shop.test"},
		{"a set above", "www.shop.test", func(d *chaltest.DNS) { d.SetCAA("shop.test", issue("other.example")) }, refused + "shop.test do not let this CA issue", "", "www.shop.test shop.test"},
		{"at the top label", "www.shop.test", func(d *chaltest.DNS) { d.SetCAA("test", issue(";")) }, refused + "test do not", "", "www.shop.test shop.test test"},
		{"a set without a word on issuance ends the climb", "www.shop.test", func(d *chaltest.DNS) {
			d.SetCAA("www.shop.test", chaltest.CAA{Tag: "iodef", Value: "mailto:a@shop.test"})
			d.SetCAA("shop.test", issue(";"))
		}, "valid", own + "www.shop.test ", "www.shop.test"},
		{"a wildcard is looked for at its base", "*.shop.test", func(d *chaltest.DNS) {
			d.SetCAA("shop.test", issue("ca.example"), chaltest.CAA{Tag: "issuewild", Value: ";"})
		}, refused + "shop.test do not let this CA issue; if it may, add one with the tag issuewild", "", "shop.test"},
		{"a name below a wildcard's base", "a.shop.test", func(d *chaltest.DNS) {
			d.SetCAA("shop.test", issue("ca.example"), chaltest.CAA{Tag: "issuewild", Value: ";"})
		}, "valid", own + "shop.test ", "a.shop.test shop.test"},
		{"the set of an alias", "www.shop.test", func(d *chaltest.DNS) {
			d.SetCNAME("www.shop.test", "cdn.host.test")
			d.SetCAA("cdn.host.test", issue(";"))
		}, refused + "www.shop.test do not", "", "www.shop.test"},
		{"above an alias the climb goes on from the name", "www.shop.test", func(d *chaltest.DNS) {
			d.SetCNAME("www.shop.test", "cdn.host.test")
			d.SetCAA("host.test", issue(";"))
			d.SetCAA("shop.test", issue("ca.example"))
		}, "valid", own + "shop.test ", "www.shop.test cdn.host.test shop.test"},
		{"an alias of the name above", "www.shop.test", func(d *chaltest.DNS) {
			d.SetCNAME("shop.test", "cdn.host.test")
			d.SetCAA("cdn.host.test", issue(";"))
		}, refused + "shop.test do not", "", "www.shop.test shop.test"},
		{"an alias that leads nowhere", "www.shop.test", func(d *chaltest.DNS) {
			d.SetCNAME("www.shop.test", "gone.host.test")
			d.SetRcode("gone.host.test", "NXDOMAIN")
			d.SetCAA("shop.test", issue(";"))
		}, refused + "shop.test do not", "", "www.shop.test shop.test"},
		{"a name that does not exist", "www.shop.test", func(d *chaltest.DNS) {
			d.SetRcode("www.shop.test", "NXDOMAIN")
			d.SetCAA("shop.test", issue(";"))
		}, refused + "shop.test do not", "", "www.shop.test shop.test"},
		{
			"an alias in a circle", "www.shop.test", func(d *chaltest.DNS) { d.SetCNAME("www.shop.test", "www.shop.test") },
			"caa: Whether CAA records let this CA issue for www.shop.test cannot be found out: The CNAME records of www.shop.test run in a circle.", "", "www.shop.test",
		},
		{
			"no answer at the name", "www.shop.test", func(d *chaltest.DNS) { d.SetRcode("www.shop.test", "SERVFAIL") },
			"caa: Whether CAA records let this CA issue for www.shop.test cannot be found out: No DNS server could answer for www.shop.test: SERVFAIL. Try again when DNS answers. (retryable)", "", "www.shop.test",
		},
		{
			"no answer above it", "www.shop.test", func(d *chaltest.DNS) { d.SetRcode("test", "REFUSED") },
			"caa: Whether CAA records let this CA issue for www.shop.test cannot be found out: No DNS server could answer for test: REFUSED.", "", "www.shop.test shop.test test",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, server := proberAt(t, 0, 0)
			if test.prepare != nil {
				test.prepare(server)
			}
			attempt := lookCAA(t, p, asked(test.asked))
			wantVerdict(t, attempt, test.verdict)
			if attempt.Failure == nil && !strings.HasPrefix(attempt.Seen, test.seen) {
				t.Errorf("saw %q, want %q", attempt.Seen, test.seen)
			}
			if got := climbed(server.Queries()); got != test.climb {
				t.Errorf("asked for %q, want %q", got, test.climb)
			}
		})
	}
}

// Proves CAA-05. The terms of a record are judged by what the question says of account and method.
func TestTermsOfARecord(t *testing.T) {
	p, server := proberAt(t, 0, 0)
	server.SetCAA("shop.test", chaltest.CAA{Tag: "issue", Value: "ca.example; validationmethods=dns-01; accounturi=https://ca.example/account/1"})
	q := asked("shop.test")
	wantVerdict(t, lookCAA(t, p, q), "caa: A CAA record of shop.test names this CA, but not for names whose control was proven by http-01")
	q.Method = acme.DNS01
	wantVerdict(t, lookCAA(t, p, q), "valid")
	q.AccountURL += "0"
	wantVerdict(t, lookCAA(t, p, q), "caa: A CAA record of shop.test names this CA, but for another account")
}

// Proves CAA-10. The records are kept as evidence, made harmless and cut, with the addresses for reports.
func TestCAAEvidence(t *testing.T) {
	p, server := proberAt(t, 0, 0)
	server.SetCAA("shop.test",
		chaltest.CAA{Flag: 128, Tag: "issue", Value: "other.example; a=b"},
		chaltest.CAA{Tag: "iodef", Value: "mailto:a@shop.test\x1b[31m<script>"},
		chaltest.CAA{Tag: "issue", Value: strings.Repeat("x", 1000)})
	attempt := lookCAA(t, p, asked("shop.test"))
	if got, want := attempt.Reports, []string{"mailto:a@shop.test%1B[31m%3Cscript%3E"}; !slices.Equal(got, want) {
		t.Errorf("reports to %q", got)
	}
	answers := attempt.Lookups[len(attempt.Lookups)-1].Answers
	want := []string{"128 issue other.example; a=b", "0 iodef mailto:a@shop.test%1B[31m%3Cscript%3E", "0 issue " + strings.Repeat("x", maxShown) + "..."}
	if !slices.Equal(answers, want) {
		t.Errorf("answers %q", answers)
	}
}

func TestCAABounds(t *testing.T) {
	p, server := proberAt(t, 0, 0)
	many := func(n int) []chaltest.CAA {
		list := []chaltest.CAA{{Tag: "issue", Value: "ca.example"}}
		for i := range n - 1 {
			list = append(list, chaltest.CAA{Tag: "iodef", Value: fmt.Sprint("mailto:", i)})
		}
		return list
	}
	server.SetCAA("hundred.test", many(100)...)
	server.SetCAA("more.test", many(101)...)
	server.SetCAA("reports.test", append(many(50), chaltest.CAA{Flag: 128, Tag: "unknown"})...)
	wantVerdict(t, lookCAA(t, p, asked("hundred.test")), "valid")
	wantVerdict(t, lookCAA(t, p, asked("more.test")), "caa: Whether CAA records let this CA issue for more.test cannot be found out: more.test has more than 100 CAA records.")
	if attempt := lookCAA(t, p, asked("reports.test")); len(attempt.Reports) != maxReports || attempt.Failure == nil {
		t.Errorf("%d addresses are kept, failure %v", len(attempt.Reports), attempt.Failure)
	}
	deep := lookCAA(t, p, asked(strings.Repeat("a.", 60)+"deep.test"))
	if wantVerdict(t, deep, "valid"); len(deep.Lookups) != maxLookups+1 {
		t.Errorf("%d questions are kept", len(deep.Lookups))
	}
}

// Proves DN-03, CAA-08. An answer that cannot be read is none, and no permission.
func TestUnreadableCAA(t *testing.T) {
	t.Run("no tag", func(t *testing.T) {
		p, server := proberAt(t, 0, 0)
		server.SetCAA("shop.test", chaltest.CAA{Value: "ca.example"})
		wantVerdict(t, lookCAA(t, p, asked("shop.test")), "caa: Whether CAA records let this CA issue for shop.test cannot be found out: A CAA record of shop.test has no tag.")
	})
	for what, change := range map[string]func(*dns.Msg){
		"a tag beyond the end": func(m *dns.Msg) { m.Answer = []dns.RR{&dns.RFC3597{Hdr: caaHeader(), Rdata: "00ff69"}} },
		"another question":     func(m *dns.Msg) { m.Question[0].Name = "other.test." },
		"another id":           func(m *dns.Msg) { m.Id++ },
	} {
		t.Run(what, func(t *testing.T) {
			p, server := proberAt(t, 0, 0)
			server.Respond("shop.test", func(_ chaltest.Query, reply *dns.Msg) *dns.Msg {
				change(reply)
				return reply
			})
			wantVerdict(t, lookCAA(t, p, asked("shop.test")), "caa: Whether CAA records let this CA issue for shop.test cannot be found out: No DNS server could answer")
		})
	}
}

func caaHeader() dns.RR_Header {
	return dns.RR_Header{Name: "shop.test.", Rrtype: dns.TypeCAA, Class: dns.ClassINET}
}
