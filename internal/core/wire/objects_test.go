package wire_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/core/problem"
	"github.com/everleaf-pki/everleaf/internal/core/wire"
)

func TestObjects(t *testing.T) {
	day := wire.Time(time.Date(2027, 1, 31, 13, 0, 0, 0, time.FixedZone("", 3600)))
	tests := []struct {
		name   string
		object any
		want   string
	}{
		{"D-03 directory", wire.Directory{NewNonce: "n", NewAccount: "a", NewOrder: "o", RevokeCert: "r", KeyChange: "k"}, `{"newNonce":"n","newAccount":"a","newOrder":"o","revokeCert":"r","keyChange":"k"}`},
		{
			"D-04 meta",
			wire.Meta{TermsOfService: "https://t?a&b", Website: "w", CAAIdentities: []string{"ca.example"}, ExternalAccountRequired: true, Profiles: map[string]string{"p": "d"}},
			`{"termsOfService":"https://t?a&b","website":"w","caaIdentities":["ca.example"],"externalAccountRequired":true,"profiles":{"p":"d"}}`,
		},
		{"A-01 account", wire.Account{Status: "valid", Orders: "o"}, `{"status":"valid","orders":"o"}`},
		{
			"EAB-06 account with binding",
			wire.Account{Status: "valid", ExternalAccountBinding: json.RawMessage(`{"payload": "<>"}`), Orders: "o"},
			`{"status":"valid","externalAccountBinding":{"payload":"<>"},"orders":"o"}`,
		},
		{"O-10 empty orders list", wire.Orders{Orders: []string{}}, `{"orders":[]}`},
		{
			"O-01 order",
			wire.Order{Status: "pending", Expires: day, Identifiers: []wire.Identifier{{Type: "dns", Value: "a"}}, Authorizations: []string{"z"}, Finalize: "f"},
			`{"status":"pending","expires":"2027-01-31T12:00:00Z","identifiers":[{"type":"dns","value":"a"}],"authorizations":["z"],"finalize":"f"}`,
		},
		{
			"order with everything",
			wire.Order{Status: "invalid", NotBefore: day, NotAfter: day, Profile: "p", Replaces: "a.b", Error: &problem.Document{Type: problem.CAA}, Certificate: "c"},
			`{"status":"invalid","identifiers":null,"notBefore":"2027-01-31T12:00:00Z","notAfter":"2027-01-31T12:00:00Z","profile":"p","replaces":"a.b",` +
				`"error":{"type":"urn:ietf:params:acme:error:caa"},"authorizations":null,"finalize":"","certificate":"c"}`,
		},
		{
			"AR-02 renewal information",
			wire.RenewalInfo{SuggestedWindow: wire.RenewalWindow{Start: day, End: wire.Time(time.Time(day).Add(time.Hour))}, ExplanationURL: "https://e"},
			`{"suggestedWindow":{"start":"2027-01-31T12:00:00Z","end":"2027-01-31T13:00:00Z"},"explanationURL":"https://e"}`,
		},
		{"O-08 wildcard is absent when false", wire.Authorization{Status: "valid", Challenges: []wire.Challenge{}}, `{"identifier":{"type":"","value":""},"status":"valid","challenges":[]}`},
		{"C-01 challenge", wire.Challenge{Type: "http-01", URL: "u", Status: "pending", Token: "t"}, `{"type":"http-01","url":"u","status":"pending","token":"t"}`},
		{"C-01 validated", wire.Challenge{Status: "valid", Validated: day}, `{"type":"","url":"","status":"valid","validated":"2027-01-31T12:00:00Z"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := wire.Marshal(tt.object)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMarshalError(t *testing.T) {
	if out, err := wire.Marshal(func() {}); err == nil {
		t.Errorf("a function was written as %q", out)
	}
}

func TestReadObject(t *testing.T) {
	var got wire.Challenge
	err := json.Unmarshal([]byte(`{"type":"dns-01","validated":"2014-12-01T12:05:58.16Z","error":{"type":"urn:ietf:params:acme:error:dns"}}`), &got)
	if err != nil {
		t.Fatal(err)
	}
	want := time.Date(2014, 12, 1, 12, 5, 58, 160_000_000, time.UTC)
	if got.Type != "dns-01" || !time.Time(got.Validated).Equal(want) || got.Error.Type != problem.DNS {
		t.Errorf("got %+v", got)
	}
}
