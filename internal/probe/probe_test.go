package probe

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/test/chaltest"
)

// TestDefaults are the ports of RFC 8555 section 8.3 and RFC 8737 section 3, and the limits of H-04.
// Proves H-01, TA-01, H-04.
func TestDefaults(t *testing.T) {
	p := New(Options{})
	got := fmt.Sprintln(p.httpPort, p.tlsPort, p.timeout, p.connectTimeout, p.userAgent)
	if want := "80 443 10s 2s Everleaf-validator (+https://github.com/everleaf-pki/everleaf)\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	set := Options{HTTPPort: 1, TLSPort: 2, Timeout: 3, ConnectTimeout: 4, UserAgent: "5"}
	if p := New(set); p.httpPort != 1 || p.tlsPort != 2 || p.timeout != 3 || p.connectTimeout != 4 || p.userAgent != "5" {
		t.Errorf("got %+v, want %+v", p, set)
	}
	r, err := NewResolver(ResolverOptions{})
	if err != nil || r.timeout != 2*time.Second || r.tries != 2 {
		t.Errorf("got %+v, %v", r, err)
	}
}

// TestEvidenceIsBounded has a stranger's DNS that gives one alias at a time, for each of many hosts: what is stored of
// it does not grow with that.
// Proves INC-117.
func TestEvidenceIsBounded(t *testing.T) {
	hosts := 0
	port := serveHTTP(t, redirectTo(func() string {
		hosts++
		return fmt.Sprintf("http://host%d.test%s", hosts, challengePath)
	}))
	p, server := proberAt(t, port, 0)
	for i := range maxRedirects + 2 {
		for alias := range maxAliases {
			from, to := fmt.Sprintf("%d.host%d.test", alias, i), fmt.Sprintf("%d.host%d.test", alias+1, i)
			if alias == 0 {
				from = fmt.Sprintf("host%d.test", i)
			}
			server.SetCNAME(from, to)
			server.Respond(from, func(_ chaltest.Query, reply *dns.Msg) *dns.Msg {
				reply.Answer = reply.Answer[:1]
				return reply
			})
		}
	}
	attempt := look(t, p, lookFor(acme.HTTP01, name("host0.test")))
	wantVerdict(t, attempt, "incorrect response: host0.test redirects to another host")
	questions := (maxRedirects + 1) * 2 * (maxAliases + 1)
	if n := len(server.Queries()); n != questions {
		t.Errorf("asked %d questions, want %d", n, questions)
	}
	last := attempt.Lookups[len(attempt.Lookups)-1]
	if want := (acme.Lookup{Result: fmt.Sprintf("and %d more questions", questions-maxLookups)}); len(attempt.Lookups) != maxLookups+1 || fmt.Sprint(last) != fmt.Sprint(want) {
		t.Errorf("%d lookups are kept, the last is %+v, want %+v", len(attempt.Lookups), last, want)
	}
	if n := len(attempt.Hops); n != maxRedirects+2 {
		t.Errorf("%d hops", n)
	}
}

// TestManyLocations has a reply with more Location headers than are worth to be kept.
func TestManyLocations(t *testing.T) {
	port := serveRaw(t, say("HTTP/1.1 302 Found\r\n"+strings.Repeat("Location: http://b.test/\r\n", 100)+"\r\n"))
	p, _ := proberAt(t, port, 0)
	attempt := look(t, p, lookFor(acme.HTTP01, name("a.test")))
	wantVerdict(t, attempt, "incorrect response: The redirect at http://a.test"+challengePath+" is not followed: it has 100 Location headers.")
	if n := len(attempt.Hops); n != 1+maxNotFollowed {
		t.Errorf("%d hops", n)
	}
}

// TestTogether brings a panic of the other goroutine home, and waits for it when the own one comes first.
func TestTogether(t *testing.T) {
	panics := func() { panic("index out of range") }
	for what, run := range map[string][2]func(){
		"beside": {panics, func() {}},
		"here":   {func() {}, panics},
	} {
		func() {
			defer func() {
				if p := fmt.Sprint(recover()); !strings.HasPrefix(p, "index out of range") {
					t.Errorf("%s: got %s", what, p)
				}
			}()
			together(run[0], run[1])
		}()
	}
	done := 0
	together(func() { done++ }, func() {})
	if done != 1 {
		t.Error("the other one did not end first")
	}
}
