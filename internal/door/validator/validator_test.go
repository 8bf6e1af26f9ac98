package validator_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/caa"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/perspective"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/door/validator"
	"github.com/everleaf-pki/everleaf/internal/probe/remote"
	"github.com/everleaf-pki/everleaf/internal/web"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// end is a key with what shows it and what names it.
type end struct {
	identity tls.Certificate
	name     pki.KeyHash
}

func newEnd(t *testing.T) end {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	identity, err := remote.Identity(crypto.Signer(key), time.Now())
	check(t, err)
	name, err := remote.KeyOf(key.Public())
	check(t, err)
	return end{identity, name}
}

// serve runs a handler as a validator that trusts a CA, and returns its URL.
func serve(t *testing.T, self end, trusted pki.KeyHash, h http.Handler) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	check(t, err)
	server := web.NewServer(h, web.DefaultLimits(), slog.New(slog.DiscardHandler))
	server.TLSConfig = remote.ServerTLS(self.identity, []pki.KeyHash{trusted})
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.ServeTLS(listener, "", "")
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return "https://" + listener.Addr().String()
}

// sees is a looker that saw something and keeps what it was asked.
type sees struct {
	attempt acme.Attempt
	asked   atomic.Pointer[policy.Look]
	about   atomic.Pointer[caa.Question]
}

func (s *sees) Look(_ context.Context, look policy.Look) acme.Attempt {
	s.asked.Store(&look)
	return s.attempt
}

func (s *sees) LookCAA(_ context.Context, q caa.Question) acme.Attempt {
	s.about.Store(&q)
	return s.attempt
}

func aLook(t *testing.T) policy.Look {
	t.Helper()
	id, err := ident.ParseDNS("a.example.com")
	check(t, err)
	return policy.Look{Identifier: id, Method: acme.DNS01, Token: "token", KeyAuthorization: "token.thumbprint"}
}

func options() web.Options { return web.Options{Log: slog.New(slog.DiscardHandler)} }

func TestAValidatorLooksAsItIsTold(t *testing.T) {
	t.Parallel()
	ca, self := newEnd(t), newEnd(t)
	looker := &sees{attempt: acme.Attempt{Seen: "One of the 1 TXT records matches.", At: time.Unix(1_800_000_000, 0).UTC()}}
	at := policy.Perspective{Name: "east", URL: serve(t, self, ca.name, validator.New(looker, options())), Key: self.name}
	client := remote.New(ca.identity).At(at)
	check(t, client.Alive(t.Context()))
	attempt := client.Look(t.Context(), aLook(t))
	if attempt.Failure != nil || attempt.Seen != looker.attempt.Seen || !attempt.At.Equal(looker.attempt.At) {
		t.Errorf("the attempt is %+v", attempt)
	}
	if asked := looker.asked.Load(); asked == nil || asked.Identifier != aLook(t).Identifier || asked.KeyAuthorization != "token.thumbprint" {
		t.Errorf("it was asked %+v", asked)
	}
}

func TestAValidatorLooksForCAA(t *testing.T) {
	t.Parallel()
	ca, self := newEnd(t), newEnd(t)
	looker := &sees{attempt: acme.Attempt{Seen: "A CAA record forbids it.", Failure: &acme.Failure{Kind: string(fault.CAA), Public: "No."}}}
	at := policy.Perspective{Name: "east", URL: serve(t, self, ca.name, validator.New(looker, options())), Key: self.name}
	q := caa.Question{Name: aLook(t).Identifier.Wildcard(), Identities: []string{"ca.example.net"}, AccountURL: "https://ca.example.net/a/1", Method: acme.DNS01, MayFail: true}
	attempt := remote.New(ca.identity).At(at).LookCAA(t.Context(), q)
	if attempt.Failure == nil || attempt.Failure.Kind != string(fault.CAA) || attempt.Retryable {
		t.Errorf("the attempt is %+v", attempt)
	}
	if about := looker.about.Load(); about == nil || !reflect.DeepEqual(*about, q) {
		t.Errorf("it was asked %+v", about)
	}
}

// Whatever a validator does besides saying what it saw is a failed attempt that can be repeated, and never an agreement.
//
// Proves BR-13, CAA-09, INC-60, INC-73, INC-74, INC-95, INC-97.
func TestEverythingElseIsNoAgreement(t *testing.T) {
	t.Parallel()
	ca, self, stranger := newEnd(t), newEnd(t), newEnd(t)
	agree := validator.New(&sees{attempt: acme.Attempt{Seen: "It matches."}}, options())
	answer := func(status int, body string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://elsewhere.example/")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		})
	}
	for _, test := range []struct {
		about string
		at    policy.Perspective
		says  string
	}{
		{"another key there", policy.Perspective{URL: serve(t, stranger, ca.name, agree), Key: self.name}, "showed another key than the one that is trusted there"},
		{"a validator that does not know us", policy.Perspective{URL: serve(t, self, stranger.name, agree), Key: self.name}, "refused the connection"},
		{"nobody there", policy.Perspective{URL: "https://127.0.0.1:1", Key: self.name}, "could not be reached"},
		{"an error", policy.Perspective{URL: serve(t, self, ca.name, answer(500, "")), Key: self.name}, "answered with status 500"},
		{"a redirect", policy.Perspective{URL: serve(t, self, ca.name, answer(307, "")), Key: self.name}, "answered with status 307"},
		{"no JSON", policy.Perspective{URL: serve(t, self, ca.name, answer(200, "ok")), Key: self.name}, "answered with something else"},
		{"nothing seen", policy.Perspective{URL: serve(t, self, ca.name, answer(200, "{}")), Key: self.name}, "answered with something else"},
		{"too much", policy.Perspective{URL: serve(t, self, ca.name, answer(200, `{"seen":"`+strings.Repeat("x", perspective.MaxAttempt)+`"}`)), Key: self.name}, "answered with something else"},
	} {
		t.Run(test.about, func(t *testing.T) {
			t.Parallel()
			test.at.Name = "east"
			attempt := remote.New(ca.identity).At(test.at).Look(t.Context(), aLook(t))
			if attempt.Failure == nil || !attempt.Retryable || attempt.Failure.Kind != string(fault.Unavailable) || !strings.Contains(attempt.Seen, test.says) {
				t.Errorf("the attempt is %+v", attempt)
			}
			if strings.Contains(attempt.Failure.Public, "127.0.0.1") {
				t.Errorf("the requester learns where the validators are: %s", attempt.Failure.Public)
			}
		})
	}
}

// The operator is told why a validator cannot be asked, before a requester meets it.
func TestAValidatorThatCannotBeAskedIsNotAlive(t *testing.T) {
	t.Parallel()
	ca, self, stranger := newEnd(t), newEnd(t), newEnd(t)
	quiet := validator.New(&sees{}, options())
	for url, says := range map[string]string{
		"https://127.0.0.1:1":                           "could not be reached",
		serve(t, self, stranger.name, quiet):            "refused the connection",
		serve(t, stranger, ca.name, quiet):              "showed another key than the one that is trusted there",
		serve(t, self, ca.name, http.NotFoundHandler()): "answered with status 404",
	} {
		err := remote.New(ca.identity).At(policy.Perspective{Name: "east", URL: url, Key: self.name}).Alive(t.Context())
		if want := "The validator east at " + url + " " + says; !fault.Is(err, fault.Unavailable) || !strings.HasPrefix(fault.Sentence(err), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestAValidatorThatIsSilentIsNotWaitedForLonger(t *testing.T) {
	t.Parallel()
	ca, self := newEnd(t), newEnd(t)
	stall := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	at := policy.Perspective{Name: "east", URL: serve(t, self, ca.name, stall), Key: self.name}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	attempt := remote.New(ca.identity).At(at).Look(ctx, aLook(t))
	if attempt.Failure == nil || !strings.Contains(attempt.Seen, "did not answer in time") {
		t.Errorf("the attempt is %+v", attempt)
	}
}

func TestTheDoorRefuses(t *testing.T) {
	t.Parallel()
	ca, self := newEnd(t), newEnd(t)
	url := serve(t, self, ca.name, validator.New(&sees{}, options()))
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{
		Certificates: []tls.Certificate{ca.identity}, InsecureSkipVerify: true, MinVersion: tls.VersionTLS13,
	}}}
	for _, test := range []struct {
		method, path, body string
		status             int
	}{
		{http.MethodGet, perspective.AlivePath, "", 204},
		{http.MethodGet, perspective.LookPath, "", 404},
		{http.MethodGet, "/", "", 404},
		{http.MethodPost, perspective.LookPath, "", 400},
		{http.MethodPost, perspective.CAAPath, `{"name":"dns:-"}`, 400},
		{http.MethodPost, perspective.LookPath, `{"Identifier":"dns:a.example.com"}`, 400},
		{http.MethodPost, perspective.LookPath, strings.Repeat(" ", perspective.MaxLook+1), 413},
	} {
		request, err := http.NewRequestWithContext(t.Context(), test.method, url+test.path, strings.NewReader(test.body))
		check(t, err)
		answer, err := client.Do(request)
		check(t, err)
		_ = answer.Body.Close()
		if answer.StatusCode != test.status {
			t.Errorf("%s %s: %d, want %d", test.method, test.path, answer.StatusCode, test.status)
		}
	}
	nobody := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+perspective.AlivePath, nil)
	check(t, err)
	if answer, err := nobody.Do(request); err == nil {
		_ = answer.Body.Close()
		t.Error("a client without a key got in")
	}
}
