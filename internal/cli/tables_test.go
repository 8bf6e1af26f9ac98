package cli

import (
	"maps"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/limit"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/core/span"
)

// hostile is text of a stranger that would move the cursor of a careless terminal.
const hostile = "\x1b[2J\u202eevil"

// TestTables shows what a person reads, for one of everything. The golden file is the specification.
func TestTables(t *testing.T) {
	door := &fakeDoor{answers: sampleAnswers()}
	maps.Copy(door.answers, credentialAnswers())
	data := serveDoor(t, door)
	b := newBench(t, data)
	var all strings.Builder
	for _, args := range []string{
		"org list", "ca list", "ca show default", "profile list", "profile show weekly", "connector list", "connector show shops",
		"credential list", "credential show kid1", "credential show kid2", "credential create --name web --connector shops",
		"credential rotate kid2", "credential suspend kid2 --revoke-certificates", "credential delete kid3 --revoke-certificates", "account list", "account show acc1",
		"order list", "order show order1", "order show order1 -o yaml",
		"cert list", "cert show ff01", "cert show ff01 -o pem", "cert show ff01 -o json", "cert list -o yaml",
		"cert revoke ff01", "cert revoke ff02", "cert revoke ff02 -o json",
		"cert revoke-many --name .example.com --dry-run", "cert revoke-many --name .example.com --yes",
		"renewal list", "renewal override --name .example.com", "renewal end override1", "event list", "clock accept",
		"perspective list", "perspective show east",
		"limit list", "limit resume --account acc1 --name www.example.com",
	} {
		stdout, stderr, code := b.run(strings.Fields(args)...)
		all.WriteString("$ everleaf " + args + "\n" + stdout)
		if stderr != "" {
			all.WriteString("(stderr) " + stderr)
		}
		all.WriteString("\n")
		if code != exitDone {
			t.Errorf("everleaf %s: exit %d", args, code)
		}
	}
	for _, args := range []string{"version", "config show", "config check", "cert list", "connector show shops", "credential show kid1", "order show order1"} {
		if stdout, stderr, code := b.run(strings.Fields(args + " -o json")...); code != exitDone || !strings.HasPrefix(stdout, "{\n  \"schema_version\": 1,\n") {
			t.Errorf("everleaf %s -o json: exit %d, %s%s", args, code, stdout, stderr)
		}
	}
	if strings.ContainsAny(all.String(), "\x1b\u202e") {
		t.Error("text of a stranger reaches the terminal raw")
	}
	golden(t, "tables.golden", strings.ReplaceAll(all.String(), data, "/srv/ca"))
}

func sampleAnswers() map[string]any {
	certificate := sampleCertificate()
	revoked := certificate
	revoked.Status, revoked.RevokedAt, revoked.Reason = adminapi.StatusRevoked, noon.Add(-time.Minute), "keyCompromise"
	shown := certificate
	shown.Replaces, shown.ReplacedBy = "cert0", "cert2"
	shown.PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
	issuer := adminapi.Issuer{
		ID: "issuer1", Name: "default", Organisation: "default", Parent: "root1", Subject: "CN=Issuing", Serial: "01",
		NotBefore: noon.Add(-24 * time.Hour), NotAfter: noon.Add(4 * 365 * 24 * time.Hour), Signs: true, HasKey: true,
		CRL: "http://pki.example.com/crl/issuer1/1.crl", OCSP: "http://pki.example.com/ocsp/issuer1", OCSPUntil: noon.Add(14 * 24 * time.Hour), Fingerprint: strings.Repeat("ab", 32), Created: noon,
	}
	profile := adminapi.Profile{
		ID: "profile1", Name: "weekly", Version: 2, Organisation: "default", Created: noon,
		Spec: pki.Spec{Issuer: "default", Lifetime: 7 * span.Day, Keys: []pki.KeyType{pki.ECDSAP256}, Usages: []pki.Usage{pki.ServerAuth}, NoCRL: true},
	}
	credential := adminapi.Credential{ID: "kid1", Name: "web", Kind: "eab", Connector: "shops", Status: "suspended", MaxAccounts: 1, Created: noon, Expires: noon.Add(time.Hour), Suspended: noon}
	account := adminapi.Account{
		ID: "acc1", Connector: "shops", Status: "valid", Contacts: []string{"mailto:a@example.com", "mailto:" + hostile, "mailto:c@example.com"},
		Algorithm: "ES256", Thumbprint: "thumb", Credential: "kid1", Created: noon.Add(-48 * time.Hour), TermsAgreed: noon.Add(-48 * time.Hour),
	}
	order := sampleOrder()
	listed := order
	listed.Authorizations = nil
	return map[string]any{
		"GET /v1/organisations":                    adminapi.Organisations{Organisations: []adminapi.Organisation{{ID: "org1", Name: "default", Created: noon}}},
		"GET /v1/issuers":                          adminapi.Issuers{Issuers: []adminapi.Issuer{issuer}},
		"GET /v1/issuers/default":                  issuer,
		"GET /v1/profiles":                         adminapi.Profiles{Profiles: []adminapi.Profile{profile}},
		"GET /v1/profiles/weekly":                  profile,
		"GET /v1/connectors":                       adminapi.Connectors{Connectors: []adminapi.Connector{sampleConnector()}},
		"GET /v1/connectors/shops":                 sampleConnector(),
		"GET /v1/credentials":                      adminapi.Credentials{Credentials: []adminapi.Credential{credential}},
		"GET /v1/credentials/kid1":                 credential,
		`POST /v1/credentials`:                     adminapi.CreatedCredential{KID: "kid1", HMAC: "c2VjcmV0", Directory: "https://ca.example.com/acme/shops/directory", HTTP01Port: 80, Credential: credential},
		"GET /v1/accounts?limit=1000":              adminapi.Accounts{Accounts: []adminapi.Account{account}},
		"GET /v1/accounts/acc1":                    account,
		"GET /v1/orders?limit=1000":                adminapi.Orders{Orders: []adminapi.Order{listed}},
		"GET /v1/orders/order1":                    order,
		"GET /v1/certificates?limit=1000":          adminapi.Certificates{Certificates: []adminapi.Certificate{certificate, revoked}},
		"GET /v1/certificates/ff01":                shown,
		"POST /v1/certificates/ff01/revoke":        adminapi.RevokedCertificate{Certificate: revoked, Changed: true},
		"POST /v1/certificates/ff02/revoke":        adminapi.RevokedCertificate{Certificate: revoked},
		"POST /v1/revocations":                     adminapi.ManyRevoked{Found: 17, Changed: 12, Sample: []adminapi.Certificate{certificate, revoked}},
		"GET /v1/renewal-overrides":                adminapi.RenewalOverrides{RenewalOverrides: []adminapi.RenewalOverride{sampleOverride(), {ID: "override2", Status: "active", Start: noon, End: noon.Add(time.Hour)}}},
		"POST /v1/renewal-overrides":               adminapi.CreatedRenewalOverride{RenewalOverride: sampleOverride(), Covers: 17},
		"POST /v1/renewal-overrides/override1/end": sampleOverride(),
		"POST /v1/clock/accept":                    adminapi.Clock{Now: noon, Newest: noon.Add(24 * time.Hour), Accepted: true},
		"GET /v1/perspectives":                     adminapi.Perspectives{TrustedKey: strings.Repeat("12", 32), Perspectives: []adminapi.Perspective{samplePerspective()}},
		"GET /v1/perspectives/east":                samplePerspective(),
		"GET /v1/limits": adminapi.Limits{Limits: []adminapi.Limit{
			{Connector: "shops", Kind: limit.OrdersPerDomain, Subject: "example.com", Rate: limit.Rate{Count: 300, Period: span.Day}, Taken: 12, FreeAt: noon.Add(time.Hour)},
			samplePause(),
		}},
		"POST /v1/limits/resume": samplePause(),
		"GET /v1/events?limit=100": adminapi.Events{Events: []adminapi.Event{
			{ID: "event1", At: noon.Add(-time.Second), Organisation: "default", Actor: "admin:local", Action: "certificate.revoked", Object: "cert1", Detail: hostile},
		}},
	}
}

func samplePause() adminapi.Limit {
	return adminapi.Limit{
		Connector: "shops", Kind: limit.FailedValidations, Subject: "acc1 www.example.com", Rate: limit.Rate{Count: 60, Period: span.Day / 24},
		FailuresInRow: 100, PausedUntil: noon.Add(30 * 24 * time.Hour),
	}
}

func sampleCertificate() adminapi.Certificate {
	return adminapi.Certificate{
		ID: "cert1", Serial: "ff01", Names: []string{"a.example.com", "b.example.com", "c.example.com", "d.example.com"},
		NotBefore: noon.Add(-time.Hour), NotAfter: noon.Add(90*24*time.Hour - time.Second), Status: adminapi.StatusValid,
		Profile: "default", Connector: "shops", Account: "acc1", Order: "order1", Issuer: "default", IssuerID: "issuer1",
		Fingerprint: strings.Repeat("cd", 32), Issued: noon,
	}
}

// sampleOverride is an override with everything that one may have.
func sampleOverride() adminapi.RenewalOverride {
	return adminapi.RenewalOverride{
		ID: "override1", Status: "ended", Issuers: []string{"issuer1", "issuer2"},
		CertificateSet: adminapi.CertificateSet{
			Name: ".example.com", Connector: "shops", Account: "acc1", Profile: "weekly", IssuedBefore: noon, IssuedAfter: noon.Add(-time.Hour),
		},
		Start: noon, End: noon.Add(24 * time.Hour), Explanation: "https://ca.example.com/why", Created: noon, Ended: noon.Add(time.Minute),
	}
}

func samplePerspective() adminapi.Perspective {
	return adminapi.Perspective{
		ID: "persp1", Name: "east", URL: "https://east.example.com:8444", Key: strings.Repeat("ef", 32), Region: "ripe", Created: noon,
		Problem: "The validator east could not be reached.",
	}
}

func sampleConnector() adminapi.Connector {
	rules := policy.DefaultRules("default", "weekly")
	rules.Names, rules.ExternalBinding, rules.Methods = []string{".example.com"}, true, []acme.Method{acme.DNS01}
	rules.Addresses.Loopback = true
	rules.Addresses.Deny = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	return adminapi.Connector{ID: "conn1", Name: "shops", Kind: "acme", Organisation: "default", Status: "active", Created: noon, Rules: rules, Warnings: []string{"Nothing is issued by the public profile web: the CA's own node must look."}}
}

// sampleOrder failed after three attempts: two connections that were refused, then a wrong answer behind a redirect.
func sampleOrder() adminapi.Order {
	name, err := ident.ParseDNS("shop.example.com")
	if err != nil {
		panic(err) // the name is a constant
	}
	refusedConnection := &acme.Failure{Kind: "connection", Public: "The connection was refused.", Identifier: name}
	wrong := &acme.Failure{Kind: "incorrect response", Public: "The body is not the key authorization.", Identifier: name}
	first := adminapi.Attempt{
		At: noon.Add(-time.Minute), Duration: 3, Seen: "The connection was refused.", Failure: refusedConnection, Retryable: true,
		Lookups: []acme.Lookup{{Name: "shop.example.com", Type: "AAAA", Server: "127.0.0.1:53", Result: "NXDOMAIN"}, {Name: "shop.example.com", Type: "A", Result: "NOERROR", Answers: []string{"192.0.2.1", "192.0.2.2"}}},
		Hops:    []acme.Hop{{URL: "http://shop.example.com/.well-known/acme-challenge/t", Address: "192.0.2.1:80", Error: "connection refused"}},
	}
	again := first
	again.At, again.Duration = noon.Add(-59*time.Second), 4
	last := adminapi.Attempt{
		At: noon.Add(-58 * time.Second), Duration: 12, Perspective: "berlin", Seen: hostile, Failure: wrong,
		Hops: []acme.Hop{{URL: "http://shop.example.com/.well-known/acme-challenge/t", Address: "192.0.2.1:80", Status: 301}, {URL: "http://www.shop.example.com/t", Status: 200, Error: "the body is too long"}, {URL: "tls://shop.example.com:443"}},
	}
	return adminapi.Order{
		Timeline: []adminapi.Moment{
			{At: noon.Add(-time.Minute), What: "Ordered by the account acc1: shop.example.com, with the profile default."},
			{At: noon, What: "shop.example.com: looked at by http-01. " + hostile},
		},
		ID: "order1", Connector: "shops", Account: "acc1", Profile: "default", Status: "invalid", Names: []string{"*.example.com", "shop.example.com"},
		Created: noon.Add(-2 * time.Minute), Expires: noon.Add(24 * time.Hour),
		Failure: &acme.Failure{Kind: "unauthorized", Public: "Control was not proven."},
		Authorizations: []adminapi.Authorization{
			{ID: "authz1", Name: "shop.example.com", Status: "invalid", Created: noon.Add(-2 * time.Minute), Expires: noon.Add(24 * time.Hour), Challenges: []adminapi.Challenge{
				{Method: "http-01", Status: "invalid", Failure: wrong, Attempts: []adminapi.Attempt{first, again, last}},
				{Method: "dns-01", Status: "pending", Attempts: []adminapi.Attempt{}},
			}},
			{ID: "authz2", Name: "*.example.com", Status: "valid", Created: noon.Add(-time.Hour), Expires: noon.Add(time.Hour), Challenges: []adminapi.Challenge{
				{Method: "dns-01", Status: "valid", Validated: noon.Add(-time.Hour), Attempts: []adminapi.Attempt{{At: noon.Add(-time.Hour), Duration: 1, Seen: "the record is there"}}},
			}},
		},
	}
}
