package manage_test

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/manage"
	"github.com/everleaf-pki/everleaf/internal/store/sqlite"
)

func TestBootstrapMakesAnInstallation(t *testing.T) {
	i := newInstallation(t)
	result := i.bootstrap(t, manage.Setup{PublicURL: publicURL + "/"})

	if !result.Made {
		t.Error("Made is false on the first call")
	}
	root, issuer := parse(t, result.Root.Certificate), parse(t, result.Issuer.Certificate)
	checkCA(t, root, root, 3650*day, true)
	checkCA(t, issuer, root, 1825*day, false)
	if result.Root.Key != "root-1" || result.Issuer.Key != "default-1" || result.Issuer.Parent != result.Root.ID {
		t.Errorf("root %+v, issuer %+v", result.Root, result.Issuer)
	}
	if want := []string{result.Root.Shard.URL}; !slices.Equal(issuer.CRLDistributionPoints, want) {
		t.Errorf("the intermediate names the lists %q, want %q", issuer.CRLDistributionPoints, want)
	}
	if want := fmt.Sprintf("%s/crl/%s/1.crl", publicURL, result.Issuer.ID); result.Issuer.Shard.URL != want {
		t.Errorf("shard at %q, want %q", result.Issuer.Shard.URL, want)
	}

	if diff := cmp.Diff([]string{"default: default: 2160h0m0s", "default: shortlived: 160h0m0s"}, profileLines(t, i)); diff != "" {
		t.Errorf("profiles (-want +got):\n%s", diff)
	}
	connector, err := i.Connector(t.Context(), manage.Default)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(policy.DefaultRules("default", "shortlived"), connector.Rules); diff != "" || connector.Kind != policy.KindACME {
		t.Errorf("connector of kind %q with rules (-want +got):\n%s", connector.Kind, diff)
	}
	want := []string{
		"system connector.saved", "system profile.saved", "system profile.saved",
		"system issuer.created", "system issuer.created", "system organisation.created",
	}
	if diff := cmp.Diff(want, eventLines(t, i)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// checkCA checks the life to the second (STANDARDS BR-01) and the signature of a CA certificate.
func checkCA(t *testing.T, c, signer *x509.Certificate, life time.Duration, root bool) {
	t.Helper()
	if got := c.NotAfter.Sub(c.NotBefore) + time.Second; got != life {
		t.Errorf("%s lives for %s, want %s", c.Subject, got, life)
	}
	if want := start.Add(-day); !c.NotBefore.Equal(want) {
		t.Errorf("%s begins at %s, want %s", c.Subject, c.NotBefore, want)
	}
	if err := c.CheckSignatureFrom(signer); err != nil {
		t.Errorf("%s: %v", c.Subject, err)
	}
	if !c.IsCA || c.MaxPathLenZero == root {
		t.Errorf("%s: CA %t, path length 0 %t", c.Subject, c.IsCA, c.MaxPathLenZero)
	}
}

func profileLines(t *testing.T, i *installation) []string {
	t.Helper()
	profiles, err := i.Profiles(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, p := range profiles {
		lines = append(lines, fmt.Sprintf("%s: %s: %v", p.Spec.Issuer, p.Name, p.Spec.Lifetime.Duration()))
	}
	return lines
}

func eventLines(t *testing.T, i *installation) []string {
	t.Helper()
	events, _, err := i.Events(t.Context(), "", manage.Page{})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, e := range events {
		lines = append(lines, e.Actor+" "+string(e.Action))
	}
	return lines
}

// Proves INC-115.
func TestBootstrapAgainChangesNothing(t *testing.T) {
	i := newInstallation(t)
	first := i.bootstrap(t, manage.Setup{PublicURL: publicURL})
	events := eventLines(t, i)

	i.Clock.Advance(time.Hour)
	second := i.bootstrap(t, manage.Setup{PublicURL: "http://elsewhere.test", CAName: "Other", KeyType: pki.ECDSAP384})
	first.Made = false
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("result (-first +second):\n%s", diff)
	}
	if diff := cmp.Diff(events, eventLines(t, i)); diff != "" {
		t.Errorf("events (-first +second):\n%s", diff)
	}
	if base, err := i.PublicURL(t.Context()); err != nil || base != publicURL {
		t.Errorf("the public URL is %q (%v), want %q", base, err, publicURL)
	}
}

func TestBootstrapKeyTypes(t *testing.T) {
	for kind, want := range map[pki.KeyType]pki.KeyType{"": pki.ECDSAP256, pki.ECDSAP384: pki.ECDSAP384, pki.RSA2048: pki.RSA} {
		i := newInstallation(t)
		result := i.bootstrap(t, manage.Setup{PublicURL: publicURL, KeyType: kind})
		for _, issuer := range []pki.Issuer{result.Root, result.Issuer} {
			if got := pki.KeyTypeOf(parse(t, issuer.Certificate).PublicKey); got != want {
				t.Errorf("asked for %q, the key of %s is %q", kind, issuer.Name, got)
			}
		}
	}
}

func TestBootstrapRefuses(t *testing.T) {
	out := func(crypto.Signer, []byte) error { return nil }
	tests := map[string]struct {
		setup manage.Setup
		part  string
	}{
		"no URL":          {manage.Setup{}, "no base URL"},
		"FTP":             {manage.Setup{PublicURL: "ftp://pki.test"}, "no base URL"},
		"URL with query":  {manage.Setup{PublicURL: publicURL + "/?a=b"}, "no base URL"},
		"user in the URL": {manage.Setup{PublicURL: "http://me@pki.test"}, "no base URL"},
		"long name":       {manage.Setup{PublicURL: publicURL, CAName: "A CA with a name of forty-one characters."}, "at most 40 octets"},
		"two lines":       {manage.Setup{PublicURL: publicURL, CAName: "A\nB"}, "one line"},
		"Ed25519":         {manage.Setup{PublicURL: publicURL, KeyType: pki.Ed25519}, "no type of an issuer's key"},
		"out and import":  {manage.Setup{PublicURL: publicURL, RootKeyOut: out, Import: &manage.Import{}}, "leave out one"},
	}
	i := newInstallation(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := i.Bootstrap(t.Context(), test.setup)
			expect(t, err, fault.Malformed, test.part)
		})
	}
	if organisations, err := i.Organisations(t.Context()); err != nil || len(organisations) != 0 {
		t.Errorf("refused set-ups left %v (%v)", organisations, err)
	}
}

// stopped is a store that fails one write, before or after it happened, as a crash would.
type stopped struct {
	*sqlite.DB
	after bool // the write happened
	in    int  // the write that fails; 1 is the next
}

var errStopped = errors.New("stopped")

func (s *stopped) write(do func() error) error {
	s.in--
	if s.in != 0 {
		return do()
	}
	if s.after {
		return errors.Join(do(), errStopped)
	}
	return errStopped
}

func (s *stopped) PutSetting(ctx context.Context, name, value string) error {
	return s.write(func() error { return s.DB.PutSetting(ctx, name, value) })
}

func (s *stopped) CreateOrganisation(ctx context.Context, o policy.Organisation, e event.Event) error {
	return s.write(func() error { return s.DB.CreateOrganisation(ctx, o, e) })
}

func (s *stopped) CreateIssuer(ctx context.Context, i pki.Issuer, e event.Event) error {
	return s.write(func() error { return s.DB.CreateIssuer(ctx, i, e) })
}

func (s *stopped) SaveProfile(ctx context.Context, p pki.Profile, e event.Event) error {
	return s.write(func() error { return s.DB.SaveProfile(ctx, p, e) })
}

func (s *stopped) CreateConnector(ctx context.Context, c policy.Connector, e event.Event) error {
	return s.write(func() error { return s.DB.CreateConnector(ctx, c, e) })
}

// TestBootstrapStoppedAnywhere stops the set-up at each of its writes: the next call must finish it, without a second
// root, issuer or key.
func TestBootstrapStoppedAnywhere(t *testing.T) {
	const writes = 8
	for n := 1; n <= writes+1; n++ {
		for _, after := range []bool{false, true} {
			i := newInstallation(t)
			_, err := i.on(&stopped{i.Store, after, n}).Bootstrap(t.Context(), manage.Setup{PublicURL: publicURL})
			if errors.Is(err, errStopped) != (n <= writes) {
				t.Fatalf("stopped at write %d: %v", n, err)
			}
			i.Clock.Advance(time.Minute)
			result := i.bootstrap(t, manage.Setup{PublicURL: publicURL})
			keys, err := i.Installation.Keys.Names()
			if err != nil {
				t.Fatal(err)
			}
			got := []any{
				keys, len(i.issuers(t, manage.Root)), len(i.issuers(t, manage.Default)), profileLines(t, i), eventCount(t, i),
				result.Root.Key, result.Issuer.Key,
			}
			want := []any{
				[]string{"default-1", "root-1"},
				1, 1,
				[]string{"default: default: 2160h0m0s", "default: shortlived: 160h0m0s"},
				6,
				"root-1", "default-1",
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("stopped at write %d, after it: %t (-want +got):\n%s", n, after, diff)
			}
		}
	}
}

func eventCount(t *testing.T, i *installation) int {
	t.Helper()
	return len(eventLines(t, i))
}

// Proves INC-116.
func TestRootKeyOut(t *testing.T) {
	i := newInstallation(t)
	var key crypto.Signer
	var certificate []byte
	result := i.bootstrap(t, manage.Setup{PublicURL: publicURL, RootKeyOut: func(k crypto.Signer, der []byte) error {
		key, certificate = k, der
		if all, err := i.Store.Issuers(t.Context()); err != nil || len(all) != 0 {
			t.Errorf("%d issuers are stored before the key is safe (%v)", len(all), err)
		}
		return nil
	}})

	if diff := cmp.Diff(result.Root.Certificate, certificate); diff != "" || result.Root.Key != "" {
		t.Errorf("root with key %q, certificate (-stored +given):\n%s", result.Root.Key, diff)
	}
	root := parse(t, certificate)
	if public, ok := root.PublicKey.(interface{ Equal(x crypto.PublicKey) bool }); !ok || !public.Equal(key.Public()) {
		t.Error("the key that went out is not the root's")
	}
	issuer := parse(t, result.Issuer.Certificate)
	checkCA(t, issuer, root, 1825*day, false)
	if len(issuer.CRLDistributionPoints) != 0 {
		t.Errorf("the intermediate names lists that nobody here can make: %q", issuer.CRLDistributionPoints)
	}
	if names, err := i.Installation.Keys.Names(); err != nil || !slices.Equal(names, []string{"default-1"}) {
		t.Errorf("the keyring holds %q (%v)", names, err)
	}
	if missing, err := i.MissingKeys(t.Context()); err != nil || len(missing) != 0 {
		t.Errorf("missing keys %v (%v): a root without its key on this machine is no defect", missing, err)
	}
}

func TestRootKeyOutFails(t *testing.T) {
	i := newInstallation(t)
	full := errors.New("disk full")
	setup := manage.Setup{PublicURL: publicURL, RootKeyOut: func(crypto.Signer, []byte) error { return full }}
	if _, err := i.Bootstrap(t.Context(), setup); !errors.Is(err, full) {
		t.Fatalf("error %v, want %v", err, full)
	}
	if all, err := i.Store.Issuers(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%d issuers are stored without the root's key (%v)", len(all), err)
	}
	setup.RootKeyOut = func(crypto.Signer, []byte) error { return nil }
	if result := i.bootstrap(t, setup); result.Issuer.Key != "default-1" {
		t.Errorf("the second try made the key %q", result.Issuer.Key)
	}
}

// TestRootKeyOutStopped stops the set-up between the root and the intermediate: the root's key is elsewhere and must not
// be asked for, nor a second root made in silence.
func TestRootKeyOutStopped(t *testing.T) {
	i := newInstallation(t)
	const rootWrite = 3
	setup := manage.Setup{PublicURL: publicURL, RootKeyOut: func(crypto.Signer, []byte) error { return nil }}
	if _, err := i.on(&stopped{i.Store, true, rootWrite}).Bootstrap(t.Context(), setup); !errors.Is(err, errStopped) {
		t.Fatal(err)
	}
	for name, setup := range map[string]manage.Setup{"with the key out again": setup, "without": {PublicURL: publicURL}} {
		t.Run(name, func(t *testing.T) {
			_, err := i.Bootstrap(t.Context(), setup)
			expect(t, err, fault.Conflict, "begin again with an empty data folder")
		})
	}
}
