package wire_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/wire"
)

func ptr[T any](v T) *T { return &v }

// read is one request that is understood.
type read[T any] struct {
	name    string
	payload string
	want    T
}

func testReads[T any](t *testing.T, parse func([]byte) (T, error), tests []read[T]) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parse([]byte(tt.payload))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseNewAccount(t *testing.T) {
	testReads(t, wire.ParseNewAccount, []read[wire.NewAccount]{
		{"nothing", `{}`, wire.NewAccount{}},
		{
			"everything",
			`{"contact":["mailto:a@example.com"],"termsOfServiceAgreed":true,"onlyReturnExisting":true,"externalAccountBinding":{"b": 1}}`,
			wire.NewAccount{
				Contact: []string{"mailto:a@example.com"}, TermsOfServiceAgreed: true, OnlyReturnExisting: true,
				ExternalAccountBinding: json.RawMessage(`{"b": 1}`),
			},
		},
		{"A-06 members of the server are ignored", `{"status":"revoked","orders":5,"id":1,"createdAt":"x"}`, wire.NewAccount{}},
		{"null is absent", `{"contact":null,"externalAccountBinding":null}`, wire.NewAccount{}},
		{"B-05 case variants are unknown members", `{"Contact":["x"],"ONLYRETURNEXISTING":true}`, wire.NewAccount{}},
	})
}

func TestParseAccountUpdate(t *testing.T) {
	testReads(t, wire.ParseAccountUpdate, []read[wire.AccountUpdate]{
		{"nothing", `{}`, wire.AccountUpdate{}},
		{"null contacts stay", `{"contact":null}`, wire.AccountUpdate{}},
		{"A-10 an empty array removes", `{"contact":[]}`, wire.AccountUpdate{Contact: &[]string{}}},
		{"deactivation with contacts", `{"status":"deactivated","contact":["a"]}`, wire.AccountUpdate{Contact: &[]string{"a"}, Status: "deactivated"}},
		{"A-06 terms cannot be changed", `{"termsOfServiceAgreed":true,"externalAccountBinding":{}}`, wire.AccountUpdate{}},
	})
}

func TestParseNewOrder(t *testing.T) {
	day := time.Date(2027, 1, 31, 12, 0, 0, 0, time.UTC)
	testReads(t, wire.ParseNewOrder, []read[wire.NewOrder]{
		{"names", `{"identifiers":[{"type":"dns","value":"a"},{"type":"ip","value":"b"}]}`, wire.NewOrder{Identifiers: []wire.AskedIdentifier{{Type: "dns", Value: "a"}, {Type: "ip", Value: "b"}}}},
		{"SD-02 a name above", `{"identifiers":[{"type":"dns","value":"a.b","ancestorDomain":"b"}]}`, wire.NewOrder{Identifiers: []wire.AskedIdentifier{{Type: "dns", Value: "a.b", AncestorDomain: "b"}}}},
		{"SD-02 its name in the drafts", `{"identifiers":[{"type":"dns","value":"a.b","parentDomain":"b"}]}`, wire.NewOrder{Identifiers: []wire.AskedIdentifier{{Type: "dns", Value: "a.b"}}}},
		{"times and profile", `{"notBefore":"2027-01-31T12:00:00Z","notAfter":"2027-01-31T14:00:00+02:00","profile":"p"}`, wire.NewOrder{NotBefore: day, NotAfter: day, Profile: "p"}},
		{"AR-04 replaces", `{"replaces":"a.b"}`, wire.NewOrder{Replaces: "a.b"}},
		{"times that ask for nothing", `{"notBefore":"","notAfter":null}`, wire.NewOrder{}},
		{"the zero time of year 1", `{"notBefore":"0001-01-01T00:00:00Z"}`, wire.NewOrder{}},
		{"members of the server are ignored", `{"expires":"never","authorizations":null,"finalize":"","status":"valid","certificate":1}`, wire.NewOrder{}},
	})
}

// Proves INC-25.
func TestParseOthers(t *testing.T) {
	t.Run("key change", func(t *testing.T) {
		testReads(t, wire.ParseKeyChange, []read[wire.KeyChange]{
			{"both", `{"account":"https://a","oldKey":{"kty":"EC"}}`, wire.KeyChange{Account: "https://a", OldKey: json.RawMessage(`{"kty":"EC"}`)}},
		})
	})
	t.Run("new authorization", func(t *testing.T) {
		testReads(t, wire.ParseNewAuthorization, []read[wire.AskedIdentifier]{
			{"with status", `{"identifier":{"type":"dns","value":"a"},"status":"valid"}`, wire.AskedIdentifier{Type: "dns", Value: "a"}},
			{"SD-01 names below", `{"identifier":{"type":"dns","value":"a","subdomainAuthAllowed":true}}`, wire.AskedIdentifier{Type: "dns", Value: "a", SubdomainAuthAllowed: true}},
		})
	})
	t.Run("finalize", func(t *testing.T) {
		testReads(t, wire.ParseFinalize, []read[[]byte]{{"csr", `{"csr":"AQI"}`, []byte{1, 2}}})
	})
	t.Run("revocation", func(t *testing.T) {
		testReads(t, wire.ParseRevocation, []read[wire.Revocation]{
			{"without reason", `{"certificate":"AQI"}`, wire.Revocation{Certificate: []byte{1, 2}}},
			{"null reason", `{"certificate":"AQI","reason":null}`, wire.Revocation{Certificate: []byte{1, 2}}},
			{"reason 0", `{"certificate":"AQI","reason":0}`, wire.Revocation{Certificate: []byte{1, 2}, Reason: ptr(0)}},
			{"V-05 a reason out of range is for others to refuse", `{"certificate":"AQI","reason":-1}`, wire.Revocation{Certificate: []byte{1, 2}, Reason: ptr(-1)}},
		})
	})
	t.Run("C-02 a challenge response with old members", func(t *testing.T) {
		if err := wire.ParseChallengeResponse([]byte(`{"keyAuthorization":"a.b","resource":"challenge"}`)); err != nil {
			t.Error(err)
		}
	})
	t.Run("authorization deactivation with an old resource member", func(t *testing.T) {
		if err := wire.ParseDeactivation([]byte(`{"resource":"authz","status":"deactivated"}`)); err != nil {
			t.Error(err)
		}
	})
}

// refusals are requests that every parser or the named one refuses.
var refusals = []struct {
	name, parser, payload string
	kind                  fault.Kind
}{
	{"B-01 padding", "finalize", `{"csr":"AQ=="}`, fault.Malformed},
	{"B-02 standard alphabet", "revocation", `{"certificate":"+/+/"}`, fault.Malformed},
	{"B-03 trailing bits", "finalize", `{"csr":"AB"}`, fault.Malformed},
	{"B-04 line break", "finalize", `{"csr":"AQ\nI"}`, fault.Malformed},
	{"no csr", "finalize", `{}`, fault.Malformed},
	{"csr of another type", "finalize", `{"csr":["AQI"]}`, fault.Malformed},
	{"no certificate", "revocation", `{"reason":1}`, fault.Malformed},
	{"V-05 reason 1.5", "revocation", `{"certificate":"AQI","reason":1.5}`, fault.BadRevocationReason},
	{"V-05 reason as text", "revocation", `{"certificate":"AQI","reason":"1"}`, fault.BadRevocationReason},
	{"V-05 reason beyond all numbers", "revocation", `{"certificate":"AQI","reason":99999999999999999999}`, fault.BadRevocationReason},
	{"K-05 without account", "keyChange", `{"oldKey":{}}`, fault.Malformed},
	{"K-05 without oldKey", "keyChange", `{"account":"a","oldKey":null}`, fault.Malformed},
	{"no identifier", "newAuthz", `{}`, fault.Malformed},
	{"identifiers of another type", "newOrder", `{"identifiers":{"type":"dns"}}`, fault.Malformed},
	{"a date without time", "newOrder", `{"notBefore":"2027-01-31"}`, fault.Malformed},
	{"a fraction of a second", "newOrder", `{"notAfter":"2027-01-31T12:00:00.5Z"}`, fault.Malformed},
	{"a time as number", "newOrder", `{"notAfter":1801396800}`, fault.Malformed},
	{"contact as text", "newAccount", `{"contact":"mailto:a@example.com"}`, fault.Malformed},
	{"Z-05 status valid", "deactivation", `{"status":"valid"}`, fault.Malformed},
	{"Z-05 status revoked", "deactivation", `{"status":"revoked"}`, fault.Malformed},
	{"Z-05 no status", "deactivation", `{}`, fault.Malformed},
	{"B-05 the same member twice", "", `{"a":1,"a":2}`, fault.Malformed},
	{"B-06 trailing data", "", `{} {}`, fault.Malformed},
	{"B-06 nesting", "", `{"a":` + strings.Repeat("[", 20) + strings.Repeat("]", 20) + `}`, fault.Malformed},
	{"an array", "", `[]`, fault.Malformed},
	{"null", "", `null`, fault.Malformed},
	{"nothing", "", ``, fault.Malformed},
	{"no UTF-8", "", "{\"a\":\"\xff\"}", fault.Malformed},
}

var parsers = map[string]func([]byte) error{
	"newAccount":    func(b []byte) error { _, err := wire.ParseNewAccount(b); return err },
	"accountUpdate": func(b []byte) error { _, err := wire.ParseAccountUpdate(b); return err },
	"keyChange":     func(b []byte) error { _, err := wire.ParseKeyChange(b); return err },
	"newOrder":      func(b []byte) error { _, err := wire.ParseNewOrder(b); return err },
	"newAuthz":      func(b []byte) error { _, err := wire.ParseNewAuthorization(b); return err },
	"deactivation":  wire.ParseDeactivation,
	"response":      wire.ParseChallengeResponse,
	"finalize":      func(b []byte) error { _, err := wire.ParseFinalize(b); return err },
	"revocation":    func(b []byte) error { _, err := wire.ParseRevocation(b); return err },
}

func TestRefusals(t *testing.T) {
	for _, tt := range refusals {
		for name, parse := range parsers {
			if tt.parser != "" && tt.parser != name {
				continue
			}
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				if err := parse([]byte(tt.payload)); !fault.Is(err, tt.kind) || fault.Sentence(err) == "" {
					t.Errorf("got %v, want kind %q with a sentence", err, tt.kind)
				}
			})
		}
	}
}

// FuzzRequests holds that every parser either understands or refuses with a sentence: never an error without kind.
func FuzzRequests(f *testing.F) {
	for _, tt := range refusals {
		f.Add([]byte(tt.payload))
	}
	f.Add([]byte(`{"identifiers":[{"type":"dns","value":"a"}],"notBefore":"2027-01-31T12:00:00Z","csr":"AQI","reason":1}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		for name, parse := range parsers {
			if err := parse(payload); err != nil && (fault.Is(err, fault.Internal) || fault.Sentence(err) == "") {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
