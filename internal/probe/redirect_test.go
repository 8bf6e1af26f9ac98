package probe

import (
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/test/chaltest"
)

// TestRedirectLocation is the corpus of places that a redirect may lead to, and of those that it may not.
// Proves H-03, H-05, INC-90.
func TestRedirectLocation(t *testing.T) {
	p := New(Options{HTTPPort: 5002, TLSPort: 5001})
	const (
		badText   = "its Location header is not a URL of at most 2000 ASCII characters"
		badURL    = "its Location header is not a URL"
		badScheme = "it leads to another scheme than http and https"
		badUser   = "it leads to a URL with user information or without a host"
		badHost   = "it leads to a host that is not a valid DNS name"
		badPort   = "it leads to another port than 80 and 443"
	)
	tests := []struct {
		from, location string
		want           string // URL and the port to connect to; else the reason
	}{
		{"a.test", "/other", "http://a.test/other 5002"},
		{"a.test", "other", "http://a.test/.well-known/acme-challenge/other 5002"},
		{"a.test", "?q", "http://a.test" + challengePath + "?q 5002"},
		{"a.test", "//b.test/x", "http://b.test/x 5002"},
		{"a.test", "https://a.test" + challengePath, "https://a.test" + challengePath + " 5001"},
		{"a.test", "HTTPS://B.Test/X?y=%20#z", "https://b.test/X?y=%20 5001"},
		{"a.test", "http://b.test", "http://b.test 5002"},
		{"a.test", "http://b.test:80/", "http://b.test/ 80"},
		{"a.test", "https://b.test:443/", "https://b.test/ 443"},
		{"a.test", "http://b.test:443/", "http://b.test:443/ 443"},
		{"a.test", "https://b.test:80/", "https://b.test:80/ 80"},
		{"a.test", "http://b.test:5002/", "http://b.test:5002/ 5002"},
		{"a.test", "https://b.test:5001/", "https://b.test:5001/ 5001"},
		{"a.test", "http://intranet/", "http://intranet/ 5002"},
		{"a.test", "http://xn--mnchen-3ya.test/", "http://xn--mnchen-3ya.test/ 5002"},
		{"a.test", "http://b.test/%0d%0aX:%20y", "http://b.test/%0d%0aX:%20y 5002"},
		{"a.test", "/" + strings.Repeat("x", 1999), "http://a.test/" + strings.Repeat("x", 1999) + " 5002"},
		{"127.0.0.1", "http://127.0.0.1/x", "http://127.0.0.1/x 5002"},
		{"127.0.0.1", "https://127.0.0.1:443/x", "https://127.0.0.1/x 443"},
		{"127.0.0.1", "http://b.test/x", "http://b.test/x 5002"},
		{"::1", "https://[::1]/x", "https://[::1]/x 5001"},
		{"::1", "http://[::1]:5002/x", "http://[::1]:5002/x 5002"},

		{"a.test", "", badText},
		{"a.test", "/" + strings.Repeat("x", 2000), badText},
		{"a.test", "http://b.test/ x", badText},
		{"a.test", "http://b.test/\x00", badText},
		{"a.test", "http://b.test/\r\nX: y", badText},
		{"a.test", "http://b\u00fccher.test/", badText},
		{"a.test", "http://b.test/\u2028", badText},
		{"a.test", "http://b.test/%zz", badURL},
		{"a.test", "http://b.test:x/", badURL},
		{"a.test", "http://[::1/", badURL},
		{"a.test", "http://[b.test]/", badURL},
		{"a.test", "http://[::1]x/", badURL},
		{"a.test", "http://[127.0.0.1]/", badURL},
		{"127.0.0.1", "http://[127.0.0.1]/", badURL},
		{"a.test", "ftp://b.test/", badScheme},
		{"a.test", "file:///etc/passwd", badScheme},
		{"a.test", "gopher://b.test:80/_x", badScheme},
		{"a.test", "javascript:alert(1)", badScheme},
		{"a.test", "data:text/plain," + keyAuthorization, badScheme},
		{"a.test", "http://user@b.test/", badUser},
		{"a.test", "http://user:secret@b.test/", badUser},
		{"a.test", "http://@b.test/", badUser},
		{"a.test", "http:b.test/", badUser},
		{"a.test", "http:///x", badHost},
		{"a.test", "http://:80/", badHost},
		{"a.test", "http://b.test./", badHost},
		{"a.test", "http://b..test/", badHost},
		{"a.test", "http://*.b.test/", badHost},
		{"a.test", "http://b_c.test/", badHost},
		{"a.test", "http://-b.test/", badHost},
		{"a.test", "http://b.test%00.a.test/", badURL},
		{"a.test", "http://b%2etest/", badURL},
		{"a.test", "http://service.onion/", badHost},
		{"a.test", "http://1.0.0.127.in-addr.arpa/", badHost},
		{"a.test", "http://127.0.0.1/", badHost},
		{"a.test", "http://127.1/", badHost},
		{"a.test", "http://2130706433/", badHost},
		{"a.test", "http://0x7f.0.0.1/", badHost},
		{"a.test", "http://0177.0.0.1/", badHost},
		{"a.test", "http://[::1]/", badHost},
		{"a.test", "http://[::ffff:127.0.0.1]/", badHost},
		{"a.test", "http://[fe80::1%25eth0]/", badHost},
		{"127.0.0.1", "http://127.0.0.2/", badHost},
		{"127.0.0.1", "http://127.1/", badHost},
		{"127.0.0.1", "http://[::ffff:127.0.0.1]/", badHost},
		{"::1", "http://[0:0::1]/", badHost},
		{"::1", "http://[::1%25lo]/", badHost},
		{"a.test", "http://b.test:22/", badPort},
		{"a.test", "http://b.test:8080/", badPort},
		{"a.test", "http://b.test:0/", badPort},
		{"a.test", "http://b.test:080/", badPort},
		{"a.test", "http://b.test:65616/", badPort}, // 80 modulo 2^16
		{"a.test", "http://b.test:/", badPort},
	}
	for _, test := range tests {
		id, err := ident.ParseIP(test.from)
		if err != nil {
			id = name(test.from)
		}
		to, err := p.redirect(p.challengeLocation(id, token), []string{test.location}, id)
		var got string
		if err == nil {
			got = fmt.Sprintf("%s %d", to.url, to.port)
		} else {
			got = strings.TrimPrefix(sentence(err), fmt.Sprintf("The redirect at %s is not followed: ", p.challengeLocation(id, token).url))
			got = strings.TrimSuffix(got, ".")
		}
		if got != test.want || Retryable(err) {
			t.Errorf("%s -> %.100q: got %.200q, want %.200q", test.from, test.location, got, test.want)
		}
	}
	for _, headers := range [][]string{nil, {"/x", "/y"}} {
		id := name("a.test")
		if _, err := p.redirect(p.challengeLocation(id, token), headers, id); err == nil {
			t.Errorf("Location headers %q are followed", headers)
		}
	}
}

// Proves H-05, INC-90.
func FuzzRedirectLocation(f *testing.F) {
	for _, seed := range []string{
		"/x", "//b.test", "https://b.test:443/?q#f", "http://user@b.test/", "http://[::1]/", "http://b.test:/", "http:b",
		"http://127.0.0.1/", "http://b.test/%00", "http://b.test\\@c.test/", "http://[::1%25x]:80/",
	} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	p := New(Options{HTTPPort: 5002, TLSPort: 5001})
	f.Fuzz(func(t *testing.T, text string, isAddress bool) {
		id := name("a.test")
		if isAddress {
			id = addr("127.0.0.1")
		}
		to, err := p.redirect(p.challengeLocation(id, token), []string{text}, id)
		if err != nil {
			return
		}
		if !slices.Contains([]uint16{80, 443, 5001, 5002}, to.port) {
			t.Errorf("port %d", to.port)
		}
		if to.host != id && (to.host.Type() != ident.DNS || to.host.IsWildcard()) {
			t.Errorf("host %s", to.host)
		}
		again, err := url.Parse(to.url.String())
		if err != nil || again.Hostname() != to.host.Value() || again.User != nil || again.Fragment != "" {
			t.Errorf("%q is read as %+v, %v", to.url, again, err)
		}
		if _, err := netip.ParseAddr(again.Hostname()); err == nil && !isAddress {
			t.Errorf("leads to the address %s", again.Hostname())
		}
		if line := shown(to.url.String()); len(line) > maxShown+3 || strings.ContainsFunc(line, unprintable) {
			t.Errorf("shown as %q", line)
		}
	})
}

// TestRedirectsFollowed counts them on real connections.
// Proves H-03, H-04, INC-98, INC-110.
func TestRedirectsFollowed(t *testing.T) {
	for _, status := range []int{301, 302, 307, 308} {
		for _, redirects := range []int{1, 10, 11} {
			port := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
				if len(r.Cookies()) > 0 || r.Referer() != "" {
					t.Errorf("headers %v are carried along", r.Header)
				}
				var n int
				_, _ = fmt.Sscanf(r.URL.RawQuery, "%d", &n)
				if n == redirects {
					_, _ = io.WriteString(w, keyAuthorization)
					return
				}
				w.Header().Set("Set-Cookie", "a=b")
				w.Header().Set("Location", fmt.Sprintf("/next?%d", n+1))
				w.WriteHeader(status)
			})
			p, _ := proberAt(t, port, 0)
			attempt := look(t, p, lookFor(acme.HTTP01, name("a.test")))
			want := "valid"
			if redirects > maxRedirects {
				want = "incorrect response: a.test redirects more than 10 times"
			}
			wantVerdict(t, attempt, want)
			if n := redirects + 1; len(attempt.Hops) != n || attempt.Hops[0].Status != status {
				t.Errorf("status %d, %d redirects: %d hops, want %d: %+v", status, redirects, len(attempt.Hops), n, attempt.Hops)
			}
		}
	}
}

// wantWhere compares as wantVerdict does; "elsewhere: X" wants X to be seen by the operator, and nothing of it to be told to
// the requester, who chose the other host.
func wantWhere(t *testing.T, a acme.Attempt, want string) {
	t.Helper()
	seen, away := strings.CutPrefix(want, "elsewhere: ")
	if !away {
		wantVerdict(t, a, want)
		return
	}
	if !strings.HasPrefix(a.Seen, seen) {
		t.Errorf("the operator sees %q, want %q", a.Seen, seen)
	}
	if a.Failure == nil || a.Failure.Kind != "incorrect response" || strings.Contains(a.Failure.Public, "b.test") || !strings.HasPrefix(a.Failure.Public, "a.test redirects to another host") {
		t.Errorf("the requester is told %s", verdict(a))
	}
}

// TestRedirectRefused also wants the operator to learn where a redirect led that was not followed.
// Proves H-03, H-04, H-05, H-06, INC-26, INC-71.
func TestRedirectRefused(t *testing.T) {
	const notFollowed = "incorrect response: The redirect at http://a.test" + challengePath + " is not followed: "
	tests := []struct{ location, led, want string }{
		{challengePath, "http://a.test" + challengePath, "incorrect response: The redirects from a.test run in a circle"},
		{"http://A.Test" + challengePath + "#x", "http://a.test" + challengePath, "incorrect response: The redirects from a.test run in a circle"},
		{"http://b.test:22/x", "http://b.test:22/x", notFollowed + "it leads to another port"},
		{"http://169.254.169.254/latest/meta-data/", "http://169.254.169.254/latest/meta-data/", notFollowed + "it leads to a host"},
		{"gopher://b.test/_x", "gopher://b.test/_x", notFollowed + "it leads to another scheme"},
		{"http://b.test/<b>\u202e", "http://b.test/%3Cb%3E%E2%80%AE", notFollowed + "its Location header is not a URL"},
		{"http://b.test/" + strings.Repeat("x", 3000), "http://b.test/" + strings.Repeat("x", 186) + "...", notFollowed + "its Location header is not a URL"},
		{"http://metadata.test/x", "http://metadata.test/x", "elsewhere: The target's address is link-local, which the address policy of this CA does not allow"},
		{"http://mapped.test/", "http://mapped.test/", "elsewhere: The target's address is link-local"},
		{"http://gone.test/", "http://gone.test/", "elsewhere: gone.test does not exist (NXDOMAIN) in DNS"},
		{"http://a.test/<script>\"'&{}`|^" + "%41", "http://a.test/%3Cscript%3E%22%27%26%7B%7D%60%7C%5EA", "incorrect response: http://a.test/%3Cscript%3E%22%27%26%7B%7D%60%7C%5EA answered with status 404"},
		{"http://a.test/?<script>\"'&", "http://a.test/?%3Cscript%3E%22%27%26", "incorrect response: http://a.test/?%3Cscript%3E%22%27%26 answered with status 404"},
		{"//b.test" + challengePath, "http://b.test" + challengePath, "elsewhere: The redirects from a.test run in a circle"},
		{"//b.test" + challengePath + "#back", "http://a.test/404", "elsewhere: http://a.test/404 answered with status 404"},
	}
	for _, test := range tests {
		port := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path == challengePath && r.Host == "b.test" && strings.HasSuffix(test.location, "#back"):
				w.Header().Set("Location", "http://a.test/404")
			case r.URL.Path == challengePath:
				w.Header()["Location"] = []string{test.location}
			default:
				w.WriteHeader(http.StatusNotFound)
				return
			}
			w.WriteHeader(http.StatusFound)
		})
		p, dns := proberAt(t, port, 0)
		dns.SetA("metadata.test", "169.254.169.254")
		dns.SetA("mapped.test", "::ffff:169.254.169.254")
		dns.SetRcode("gone.test", "NXDOMAIN")
		attempt := look(t, p, lookFor(acme.HTTP01, name("a.test")))
		wantWhere(t, attempt, test.want)
		how := "redirect not followed"
		if strings.HasPrefix(test.want, "elsewhere") && !strings.Contains(test.want, "circle") {
			how = "no address to connect to"
		}
		if led := attempt.Hops[len(attempt.Hops)-1]; led.URL != test.led || led.Status != http.StatusNotFound && led.Error != how {
			t.Errorf("%.100q led to %+v, want %s and %q", test.location, led, test.led, how)
		}
		if attempt.Retryable {
			t.Errorf("%.100q is tried again", test.location)
		}
	}
}

// TestRedirectTLS leads to servers that nobody has to trust, but that have to speak TLS 1.2.
// Proves H-10.
func TestRedirectTLS(t *testing.T) {
	tests := []struct {
		name    string
		version uint16
		want    string
	}{
		{"TLS 1.3", tls.VersionTLS13, "valid"},
		{"TLS 1.2", tls.VersionTLS12, "valid"},
		{"TLS 1.1", tls.VersionTLS11, "tls: a.test refused the TLS handshake with the alert \"tls: protocol version not supported\""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var serverName string
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				serverName = r.TLS.ServerName
				_, _ = io.WriteString(w, keyAuthorization)
			}))
			server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
			server.TLS = &tls.Config{MinVersion: test.version, MaxVersion: test.version}
			server.StartTLS()
			t.Cleanup(server.Close)
			port := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "https://"+r.Host+r.URL.Path, http.StatusMovedPermanently)
			})
			p, _ := proberAt(t, port, portOf(server.Listener.Addr()))
			wantVerdict(t, look(t, p, lookFor(acme.HTTP01, name("a.test"))), test.want)
			if test.want == "valid" && serverName != "a.test" {
				t.Errorf("server name %q", serverName)
			}
		})
	}
	t.Run("no TLS", func(t *testing.T) {
		port := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://b.test"+challengePath, http.StatusMovedPermanently)
		})
		p, _ := proberAt(t, port, serveRaw(t, say("SSH-2.0-"+canary+"\r\n")))
		wantWhere(t, look(t, p, lookFor(acme.HTTP01, name("a.test"))), "elsewhere: b.test does not speak TLS there")
	})
	t.Run("address", func(t *testing.T) {
		server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, keyAuthorization)
		}))
		t.Cleanup(server.Close)
		port := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://127.0.0.1/", http.StatusMovedPermanently)
		})
		p, _ := proberAt(t, port, portOf(server.Listener.Addr()))
		wantVerdict(t, look(t, p, lookFor(acme.HTTP01, addr("127.0.0.1"))), "valid")
	})
}

// TestRedirectToAnotherHost is allowed: whoever controls the first host decides whom to trust (RFC 8555 section 10.2).
func TestRedirectToAnotherHost(t *testing.T) {
	responder := chaltest.NewHTTP(t)
	responder.Set(token, keyAuthorization)
	port := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, fmt.Sprintf("http://b.test:%d%s", responder.Port(), r.URL.Path), http.StatusTemporaryRedirect)
	})
	dns := chaltest.NewDNS(t)
	p := New(Options{Resolver: newResolver(t, dns.Addr()), HTTPPort: port, TLSPort: responder.Port()})
	attempt := look(t, p, lookFor(acme.HTTP01, name("a.test")))
	wantVerdict(t, attempt, "valid")
	if hosts := responder.Hosts(); len(hosts) != 1 || hosts[0] != fmt.Sprintf("b.test:%d", responder.Port()) {
		t.Errorf("Host headers %q", hosts)
	}
	if len(attempt.Lookups) != 4 || attempt.Lookups[2].Name != "b.test" {
		t.Errorf("lookups %+v, want those of both hosts", attempt.Lookups)
	}
}
