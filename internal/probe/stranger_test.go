package probe

import (
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/test/chaltest"
)

// certifying are the rules of a connector for names, all of them without any.
func certifying(names ...string) policy.Rules {
	rules := policy.DefaultRules()
	rules.Names = names
	return rules
}

// TestTargets says which addresses of a host a redirect reaches: those of strangers are public, whatever the connector
// opens for its own names (INCIDENTS 69 and 71).
// Proves SC-02.
func TestTargets(t *testing.T) {
	server := chaltest.NewDNS(t)
	server.SetDefault()
	for host, addresses := range map[string][]string{
		"a.corp":    {"10.0.0.1"},
		"b.corp":    {"10.0.0.5", "fd00::5"},
		"private":   {"10.0.0.5", "fd00::5"},
		"loopback":  {"127.0.0.1", "::1"},
		"mapped":    {"::ffff:10.0.0.5"},
		"nat64":     {"64:ff9b::a00:5"},
		"named":     {"169.254.7.7"},
		"metadata":  {"169.254.169.254", "fd00:ec2::254"},
		"public":    {"8.8.8.8", "2606:4700::1111"},
		"both":      {"10.0.0.5", "8.8.8.8", "fd00::5", "2606:4700::1111"},
		"denied":    {"9.9.9.9"},
		"badb.corp": {"10.0.0.5"},
	} {
		server.SetA(host, addresses...)
	}
	server.SetCNAME("alias", "b.corp")
	open := policy.Addresses{
		Private: true, Loopback: true,
		Allow: []netip.Prefix{netip.MustParsePrefix("169.254.7.0/24")}, Deny: []netip.Prefix{netip.MustParsePrefix("9.9.9.0/24")},
	}
	const (
		stranger = " has no public address; a redirect to any other is followed only to the path of the challenge on a name that the connector may certify."
		denied   = "The target's address is denied by the address policy of this CA."
		metadata = "The target's address is "
	)
	tests := []struct {
		id    ident.Identifier
		rules policy.Rules
		host  string
		want  string // addresses, or the refusal
	}{
		{name("a.corp"), certifying(".corp"), "a.corp", "10.0.0.1"},
		{name("a.corp"), certifying(".corp"), "b.corp", "fd00::5 10.0.0.5"},
		{name("a.corp"), certifying(".corp"), "private", "private" + stranger},
		{name("a.corp"), certifying(".corp"), "loopback", "loopback" + stranger},
		{name("a.corp"), certifying(".corp"), "mapped", "mapped" + stranger},
		{name("a.corp"), certifying(".corp"), "nat64", metadata},
		{name("a.corp"), certifying(".corp"), "named", "named" + stranger},
		{name("a.corp"), certifying(".corp"), "metadata", metadata},
		{name("a.corp"), certifying(".corp"), "alias", "alias" + stranger},
		{name("a.corp"), certifying(".corp"), "public", "2606:4700::1111 8.8.8.8"},
		{name("a.corp"), certifying(".corp"), "both", "2606:4700::1111 8.8.8.8"},
		{name("a.corp"), certifying(".corp"), "denied", denied},
		{name("a.corp"), certifying("a.corp"), "b.corp", "b.corp" + stranger},
		{name("a.corp"), certifying(".b.corp"), "badb.corp", "badb.corp" + stranger},
		{name("a.corp"), certifying("*.corp"), "b.corp", "b.corp" + stranger},
		{name("a.corp"), certifying(), "private", "fd00::5 10.0.0.5"},
		{name("a.corp"), certifying(), "loopback", "::1 127.0.0.1"},
		{name("a.corp"), certifying(), "named", "169.254.7.7"},
		{name("a.corp"), certifying(), "metadata", metadata},
		{name("a.corp"), certifying(), "denied", denied},
		{name("a.corp"), policy.Rules{}, "a.corp", "10.0.0.1"}, // no longer certified: the look was allowed when it was ordered
		{name("a.corp"), policy.Rules{}, "b.corp", "b.corp" + stranger},
		{name("a.corp"), policy.Rules{}, "public", "2606:4700::1111 8.8.8.8"},
		{addr("10.0.0.9"), certifying("10.0.0.9"), "10.0.0.9", "10.0.0.9"},
		{addr("10.0.0.9"), certifying("10.0.0.9"), "b.corp", "b.corp" + stranger},
		{addr("10.0.0.9"), certifying("10.0.0.9", ".corp"), "b.corp", "fd00::5 10.0.0.5"},
		{addr("fd00::9"), certifying("fd00::9"), "private", "private" + stranger},
	}
	for _, test := range tests {
		host := test.id
		if test.host != host.Value() {
			host = name(test.host)
		}
		g := guard{newResolver(t, server.Addr()), 0, policy.Look{Identifier: test.id, Addresses: open, Rules: test.rules}}
		found, err := g.targets(t.Context(), new(record), host)
		got := strings.Trim(fmt.Sprint(found), "[]")
		if err != nil {
			got = sentence(err)
		}
		if got != test.want && (test.want != metadata || !strings.HasPrefix(got, metadata)) || Retryable(err) {
			t.Errorf("%s with %q, redirected to %s: got %q, want %q", test.id, test.rules.Names, test.host, got, test.want)
		}
	}
}

// TestRedirectToStranger has strangers on loopback, which stand for those at any address that is not public: they are
// not asked, and what the connector may certify is, the same as where the identifier itself is.
func TestRedirectToStranger(t *testing.T) {
	var hosts []string
	var self, way string
	port := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		hosts = append(hosts, r.Host)
		var host string
		if host, way, _ = strings.Cut(way, "-"); host == "" {
			_, _ = io.WriteString(w, keyAuthorization)
			return
		}
		path := challengePath
		if host == self {
			path = fmt.Sprintf("/%d", len(hosts)) // any path will do there, and the same one would be a circle
		}
		http.Redirect(w, r, "http://"+host+path, http.StatusFound)
	})
	p, server := proberAt(t, port, 0)
	server.SetA("six.test", "::ffff:127.0.0.1")
	tests := []struct {
		id    ident.Identifier
		names []string
		way   string   // the hosts of the redirects
		asked []string // the hosts that were asked; the last one answers when the way ends there
	}{
		{name("a.test"), []string{"a.test"}, "", []string{"a.test"}},
		{name("a.test"), []string{"a.test"}, "a.test-", []string{"a.test", "a.test"}},
		{name("a.test"), []string{"a.test"}, "b.test-", []string{"a.test"}},
		{name("a.test"), []string{"a.test"}, "six.test-", []string{"a.test"}},
		{name("a.test"), []string{"a.test"}, "localhost-", []string{"a.test"}},
		{name("a.test"), []string{"a.test"}, "b.test-a.test-", []string{"a.test"}},
		{name("a.test"), []string{"a.test", "b.test"}, "b.test-", []string{"a.test", "b.test"}},
		{name("a.test"), []string{"a.test", "b.test"}, "b.test-a.test-", []string{"a.test", "b.test", "a.test"}},
		{name("a.test"), []string{"a.test", "b.test"}, "b.test-c.test-", []string{"a.test", "b.test"}},
		{name("a.test"), []string{"a.test", "b.test"}, "a.test-b.test-a.test-c.test-a.test-", []string{"a.test", "a.test", "b.test", "a.test"}},
		{name("a.test"), nil, "b.test-c.test-", []string{"a.test", "b.test", "c.test"}},
		{addr("127.0.0.1"), []string{"127.0.0.1"}, "127.0.0.1-", []string{"127.0.0.1", "127.0.0.1"}},
		{addr("127.0.0.1"), []string{"127.0.0.1"}, "b.test-", []string{"127.0.0.1"}},
		{addr("127.0.0.1"), []string{"127.0.0.1", "b.test"}, "b.test-127.0.0.1-", []string{"127.0.0.1", "b.test", "127.0.0.1"}},
	}
	for _, test := range tests {
		hosts, self, way = nil, test.id.Value(), test.way
		l := lookFor(acme.HTTP01, test.id)
		l.Rules = certifying(test.names...)
		attempt := look(t, p, l)
		if arrived := len(test.asked) == strings.Count(test.way, "-")+1; arrived != (attempt.Failure == nil) {
			t.Errorf("%s by way of %q: %s", test.id, test.way, verdict(attempt))
		}
		if !slices.Equal(hosts, test.asked) {
			t.Errorf("%s by way of %q: asked %q, want %q", test.id, test.way, hosts, test.asked)
		}
		if f := attempt.Failure; f != nil && (attempt.Retryable || f.Public != test.id.Value()+
			" redirects to another host, and that did not serve the key authorization. The operator of the CA can see what it did.") {
			t.Errorf("%s by way of %q: the requester is told %s", test.id, test.way, verdict(attempt))
		}
	}
}

// TestOnlyTheTokenIsAskedFor has redirects to a name that the connector may certify: where it is not public, it is asked
// for the path of the challenge and nothing else.
// Proves INC-26.
func TestOnlyTheTokenIsAskedFor(t *testing.T) {
	var asked []string
	location := ""
	port := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		if asked = append(asked, r.Host+r.RequestURI); len(asked) == 1 {
			w.Header().Set("Location", location)
			w.WriteHeader(http.StatusFound)
			return
		}
		_, _ = io.WriteString(w, keyAuthorization)
	})
	p, _ := proberAt(t, port, 0)
	for path, follows := range map[string]bool{
		challengePath:                         true,
		challengePath + "?":                   true,
		challengePath + "?now=1":              false,
		challengePath + "/":                   false,
		challengePath[:len(challengePath)-1]:  false,
		"/printer/reset":                      false,
		"/printer/../" + challengePath[1:]:    true, // which is the same path
		challengePath + "/../../../printer":   false,
		"/.well-known/acme-challenge/another": false,
	} {
		asked, location = nil, "http://b.test"+path
		attempt := look(t, p, lookFor(acme.HTTP01, name("a.test")))
		if (attempt.Failure == nil) != follows || len(asked) != map[bool]int{true: 2, false: 1}[follows] {
			t.Errorf("%s: asked %q, %s", path, asked, verdict(attempt))
		}
	}
}

// TestStrangerRebinds has a stranger whose address is public when the first redirect leads to it, and private later.
// Proves H-07.
func TestStrangerRebinds(t *testing.T) {
	server := chaltest.NewDNS(t)
	inTurn(server, "b.test", "8.8.8.8", "10.0.0.5")
	g := guard{newResolver(t, server.Addr()), 0, policy.Look{
		Identifier: name("a.test"), Addresses: policy.Addresses{Private: true}, Rules: certifying("a.test"),
	}}
	for _, want := range []string{"[8.8.8.8]", "[]"} {
		if found, err := g.targets(t.Context(), new(record), name("b.test")); fmt.Sprint(found) != want {
			t.Errorf("got %v, %v, want %s", found, err, want)
		}
	}
}

// TestStrangerIsNotTold has redirects to a stranger that exists and to one that does not: words and retries are the same.
func TestStrangerIsNotTold(t *testing.T) {
	port := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://intranet/", http.StatusFound)
	})
	p, server := proberAt(t, port, 0)
	l := lookFor(acme.HTTP01, name("a.test"))
	l.Rules = certifying("a.test")
	var told []string
	server.SetA("intranet", "10.0.0.5")
	told = append(told, verdict(look(t, p, l)))
	for _, rcode := range []string{"NOERROR", "NXDOMAIN", "SERVFAIL"} {
		server.SetA("intranet")
		server.SetRcode("intranet", rcode)
		told = append(told, verdict(look(t, p, l)))
	}
	for _, words := range told {
		if words != told[0] || !strings.HasPrefix(words, "incorrect response: a.test redirects to another host") {
			t.Errorf("told %s", words)
		}
	}
}
