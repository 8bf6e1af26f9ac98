package admin_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/core/span"
	"github.com/everleaf-pki/everleaf/internal/door/admin"
	"github.com/everleaf-pki/everleaf/internal/manage"
	"github.com/everleaf-pki/everleaf/internal/store/sqlite"
	"github.com/everleaf-pki/everleaf/internal/web"
)

func ptr[T any](v T) *T { return &v }

// TestOverSocket runs a newcomer's commands over a real Unix socket.
func TestOverSocket(t *testing.T) {
	h := newHouse(t)
	path := filepath.Join(t.TempDir(), "admin.sock")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: h.door, ReadHeaderTimeout: time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	client := adminapi.NewClient(adminapi.OverSocket(path))
	created, err := client.CreateCredential(t.Context(), adminapi.NewCredential{Name: "web"})
	if err != nil {
		t.Fatal(err)
	}
	list, err := client.Credentials(t.Context(), manage.Default)
	if err != nil || len(list.Credentials) != 1 || list.Credentials[0].ID != created.KID {
		t.Errorf("credentials %+v (%v)", list, err)
	}
	_, err = client.Connector(t.Context(), "a/b?c")
	refusal, ok := errors.AsType[*adminapi.Error](err)
	if !ok || refusal.Kind != "not_found" || !strings.Contains(refusal.Message, `"a/b?c"; there are: default.`) {
		t.Errorf("error %+v; the name must arrive as it was written", err)
	}
}

func TestNoServer(t *testing.T) {
	client := adminapi.NewClient(adminapi.OverSocket(filepath.Join(t.TempDir(), "nobody.sock")))
	_, err := client.Connectors(t.Context())
	if _, answered := errors.AsType[*adminapi.Error](err); err == nil || answered {
		t.Errorf("error %v; want one that says that no answer came", err)
	}
}

func TestCreateCredential(t *testing.T) {
	h := newHouse(t)
	got := h.send(t, http.MethodPost, "/v1/credentials", `{"name":"web","max_accounts":2,"expires":"2027-01-01T00:00:00Z","scope":{"names":[".a.example"],"pre_approved":["b.a.example"]}}`)
	var members map[string]any
	if err := json.Unmarshal([]byte(got.body), &members); err != nil || got.status != http.StatusOK {
		t.Fatalf("%d %s (%v)", got.status, got.body, err)
	}
	hmac, _ := members["hmac"].(string)
	if key, err := base64.RawURLEncoding.Strict().DecodeString(hmac); err != nil || len(key) != 32 {
		t.Errorf("hmac %q (%v)", hmac, err)
	}
	kid, _ := members["kid"].(string)
	delete(members, "hmac")
	want := map[string]any{
		"schema_version": 1.0, "kid": kid, "id": kid, "name": "web", "kind": "eab", "connector": "default", "status": "active", "max_accounts": 2.0,
		"created": "2026-11-23T12:00:00Z", "expires": "2027-01-01T00:00:00Z",
		"scope":     map[string]any{"names": []any{".a.example"}, "pre_approved": []any{"b.a.example"}},
		"directory": "https://ca.example.test:8443/acme/default/directory", "http01_port": 5002.0,
	}
	if diff := cmp.Diff(want, members); diff != "" || kid == "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	if got.header.Get("Cache-Control") != "no-store" {
		t.Error("a cache may keep the secret")
	}
	for _, path := range []string{"/v1/credentials", "/v1/credentials/" + kid} {
		if shown := h.send(t, http.MethodGet, path, ""); shown.status != http.StatusOK || strings.Contains(shown.body, "hmac") || strings.Contains(shown.body, hmac) {
			t.Errorf("%s shows the secret (STANDARDS EAB-10): %s", path, shown.body)
		}
	}
	if strings.Contains(h.log.String(), hmac) {
		t.Error("the log shows the secret (STANDARDS EAB-10)")
	}
	if gone := h.send(t, http.MethodDelete, "/v1/credentials/"+kid, ""); !strings.Contains(gone.body, `"status":"deleted"`) {
		t.Errorf("the answer to the end of a credential: %s", gone.body)
	}
}

func TestListsAreEnvelopes(t *testing.T) {
	h := newHouse(t)
	for _, list := range []string{"credentials", "accounts", "orders", "certificates"} {
		got := h.send(t, http.MethodGet, "/v1/"+list, "")
		if want := `{"schema_version":1,"` + list + `":[]}` + "\n"; got.status != http.StatusOK || got.body != want {
			t.Errorf("%s: %d %q, want %q", list, got.status, got.body, want)
		}
	}
	for _, list := range []string{"organisations", "connectors", "profiles", "issuers", "events"} {
		got := h.send(t, http.MethodGet, "/v1/"+list, "")
		if begin := `{"schema_version":1,"` + list + `":[{"id":"`; got.status != http.StatusOK || !strings.HasPrefix(got.body, begin) {
			t.Errorf("%s: %d %q, want it to begin %q", list, got.status, got.body, begin)
		}
	}
}

func TestConnectorNamesItsDirectory(t *testing.T) {
	h := newHouse(t)
	const want = "https://ca.example.test:8443/acme/default/directory"
	if c, err := h.client.Connector(t.Context(), manage.Default); err != nil || c.Directory != want {
		t.Errorf("directory %q (%v), want %q", c.Directory, err, want)
	}
	h.client = adminapi.NewClient(adminapi.InProcess(admin.New(h.service, admin.Options{Web: web.Options{Log: slog.New(slog.DiscardHandler)}})))
	if c, err := h.client.Connector(t.Context(), manage.Default); err != nil || c.Directory != "" {
		t.Errorf("directory %q (%v) where nobody knows it", c.Directory, err)
	}
}

// TestRulesReachThePolicy changes every rule through the client.
func TestRulesReachThePolicy(t *testing.T) {
	h := newHouse(t)
	change := adminapi.RulesChange{
		Profiles: &[]string{"shortlived"}, Names: &[]string{".example.com"}, Methods: &[]acme.Method{acme.DNS01},
		ExternalBinding: ptr(true), TermsOfService: ptr("https://ca.test/terms"), Website: ptr("https://ca.test"),
		CAAIdentities: &[]string{"ca.test"}, MaxIdentifiers: ptr(5), Addresses: &adminapi.AddressesChange{Loopback: ptr(true)},
		OrderLife: ptr(span.Day), ReuseLife: ptr(2 * span.Day), PreAuthorize: ptr(false), NotBeforeAfter: ptr(false),
	}
	want := policy.Rules{
		Profiles: []string{"shortlived"}, Names: []string{".example.com"}, Methods: []acme.Method{acme.DNS01},
		ExternalBinding: true, TermsOfService: "https://ca.test/terms", Website: "https://ca.test", CAAIdentities: []string{"ca.test"},
		MaxIdentifiers: 5, Addresses: policy.Addresses{Loopback: true, Private: true}, OrderLife: span.Day, ReuseLife: 2 * span.Day,
	}
	changed, err := h.client.ChangeRules(t.Context(), manage.Default, change)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, changed.Rules); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	emptied, err := h.client.ChangeRules(t.Context(), manage.Default, adminapi.RulesChange{Names: &[]string{}, Website: ptr("")})
	want.Names, want.Website = nil, ""
	if diff := cmp.Diff(want, emptied.Rules); diff != "" || err != nil {
		t.Errorf("%v, rules after emptying two (-want +got):\n%s", err, diff)
	}
	made, err := h.client.CreateConnector(t.Context(), adminapi.NewConnector{Name: "web", Rules: adminapi.RulesChange{ExternalBinding: ptr(true)}})
	want = policy.DefaultRules(manage.Default)
	want.ExternalBinding = true
	if diff := cmp.Diff(want, made.Rules); diff != "" || err != nil {
		t.Errorf("%v, rules of a new connector (-want +got):\n%s", err, diff)
	}
}

func TestSpecReachesTheProfile(t *testing.T) {
	h := newHouse(t)
	change := adminapi.SpecChange{
		Description: ptr("For machines"), Issuer: ptr("root"), Lifetime: ptr(span.Day), Backdate: ptr(span.Of(time.Minute)),
		Keys: &[]pki.KeyType{pki.Ed25519}, Usages: &[]pki.Usage{pki.ClientAuth}, CommonName: ptr(true), NoCRL: ptr(true), OCSP: ptr(true),
	}
	want := pki.Spec{
		Description: "For machines", Issuer: "root", Lifetime: span.Day, Backdate: span.Of(time.Minute),
		Keys: []pki.KeyType{pki.Ed25519}, Usages: []pki.Usage{pki.ClientAuth}, CommonName: true, NoCRL: true, OCSP: true,
	}
	saved, err := h.client.SaveProfile(t.Context(), "", manage.Default, change)
	if diff := cmp.Diff(want, saved.Spec); diff != "" || err != nil || saved.Version != 2 {
		t.Errorf("%v, version %d (-want +got):\n%s", err, saved.Version, diff)
	}
	if shown, err := h.client.Profile(t.Context(), manage.Default, manage.Default); err != nil || shown.ID != saved.ID {
		t.Errorf("shown is %+v (%v)", shown, err)
	}
}

func TestRefusals(t *testing.T) {
	h := newHouse(t)
	rules := "/v1/connectors/default"
	tests := map[string]struct {
		method, path, body string
		status             int
		kind, part         string
	}{
		"no such path":       {http.MethodGet, "/v1/nothing", "", 404, "not_served", "There is no GET /v1/nothing"},
		"no such method":     {http.MethodPut, rules, "{}", 404, "not_served", "There is no PUT"},
		"no such name":       {http.MethodGet, "/v1/profiles/x", "", 404, "not_found", "there are: default, shortlived"},
		"escaped name":       {http.MethodGet, "/v1/profiles/..%2fx", "", 404, "not_found", `"../x"`},
		"unknown member":     {http.MethodPatch, rules, `{"external_bindng":true}`, 400, "malformed", `"/external_bindng"`},
		"deep unknown":       {http.MethodPatch, rules, `{"addresses":{"privat":true}}`, 400, "malformed", `"/addresses/privat"`},
		"case variant":       {http.MethodPatch, rules, `{"External_Binding":true}`, 400, "malformed", "External_Binding"},
		"member twice":       {http.MethodPatch, rules, `{"website":"","website":""}`, 400, "malformed", "there twice"},
		"wrong type":         {http.MethodPatch, rules, `{"max_identifiers":"5"}`, 400, "malformed", "a whole number"},
		"no object":          {http.MethodPatch, rules, `[]`, 400, "malformed", "A JSON object is required"},
		"no body":            {http.MethodPatch, rules, "", 400, "malformed", "A JSON object is required"},
		"too deep":           {http.MethodPatch, rules, `{"names":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, 400, "malformed", "nested deeper"},
		"too long":           {http.MethodPatch, rules, `{"website":"` + strings.Repeat("a", adminapi.MaxBody) + `"}`, 413, "not_served", "longer than"},
		"bad rule":           {http.MethodPatch, rules, `{"max_identifiers":0}`, 400, "malformed", "max_identifiers: 0"},
		"bad span":           {http.MethodPatch, rules, `{"order_life":"soon"}`, 400, "malformed", "order_life"},
		"name taken":         {http.MethodPost, "/v1/connectors", `{"name":"default"}`, 409, "conflict", "default"},
		"unknown parameter":  {http.MethodGet, "/v1/accounts?conector=web", "", 400, "malformed", `no parameter "conector"`},
		"parameter twice":    {http.MethodGet, "/v1/accounts?limit=1&limit=2", "", 400, "malformed", "limit is there twice"},
		"no number":          {http.MethodGet, "/v1/orders?limit=ten", "", 400, "malformed", "limit"},
		"page of none":       {http.MethodGet, "/v1/orders?limit=0", "", 400, "malformed", "1 to 1000"},
		"no time":            {http.MethodGet, "/v1/certificates?expires_before=soon", "", 400, "malformed", "expires_before"},
		"no boolean":         {http.MethodGet, "/v1/certificates?revoked=yes", "", 400, "malformed", "neither true nor false"},
		"no serial number":   {http.MethodGet, "/v1/certificates/x.example.com", "", 400, "malformed", "neither a serial number"},
		"no such serial":     {http.MethodPost, "/v1/certificates/4711/revoke", `{}`, 404, "not_found", "4711"},
		"reason":             {http.MethodPost, "/v1/certificates/4711/revoke", `{"reason":"hold"}`, 400, "bad_revocation_reason", "is no reason"},
		"page that is none":  {http.MethodGet, "/v1/events?before=x", "", 400, "malformed", "next of the page before"},
		"key of another CA":  {http.MethodPost, "/v1/issuers/default/next", `{"key":"x"}`, 400, "malformed", "private key"},
		"import of nothing":  {http.MethodPost, "/v1/issuers", `{"chain":"","key":""}`, 400, "malformed", "no certificate in PEM"},
		"rate of nothing":    {http.MethodPost, "/v1/limits/override", `{"account":"x","kind":"orders-per-account","rate":"many"}`, 400, "malformed", `rate: "many" is none`},
		"delete what is not": {http.MethodDelete, "/v1/credentials/x", "", 404, "not_found", "There is no credential"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := h.send(t, test.method, test.path, test.body)
			var problem adminapi.Error
			if err := json.Unmarshal([]byte(got.body), &problem); err != nil {
				t.Fatalf("%s: %v", got.body, err)
			}
			if got.status != test.status || problem.Kind != test.kind || !strings.Contains(problem.Message, test.part) {
				t.Errorf("%d %+v; want %d, %s and %q", got.status, problem, test.status, test.kind, test.part)
			}
			if problem.RequestID == "" || problem.RequestID != got.header.Get("X-Request-Id") || !strings.Contains(h.log.String(), problem.RequestID) {
				t.Errorf("the request's id is %q in the body and %q in the header", problem.RequestID, got.header.Get("X-Request-Id"))
			}
		})
	}
}

func TestOnlyJSON(t *testing.T) {
	h := newHouse(t)
	for kind, want := range map[string]int{
		"application/json": 200, "application/json; charset=utf-8": 200, "text/plain": 400, "application/x-www-form-urlencoded": 400, "": 400,
	} {
		if got := h.sendAs(t, http.MethodPatch, "/v1/connectors/default", kind, strings.NewReader("{}")); got.status != want {
			t.Errorf("a body of type %q: %d %s, want %d", kind, got.status, got.body, want)
		}
	}
}

// broken is a store that fails in ways for which nobody has words.
type broken struct {
	*sqlite.DB
	fail func() error
}

func (b broken) Connectors(context.Context) ([]policy.Connector, error) { return nil, b.fail() }

func TestFailuresAreNotShown(t *testing.T) {
	const inner = "disk /dev/sda1 is on fire"
	tests := map[string]struct {
		fail    func() error
		status  int
		kind    string
		message string
	}{
		"an error": {func() error { return errors.New(inner) }, 500, adminapi.KindInternal, "The server failed; its log tells why"},
		"a panic":  {func() error { panic(inner) }, 500, adminapi.KindInternal, "The server answered with status 500"},
		"a busy store": {func() error {
			return fault.Wrap(errors.New(inner), fault.Unavailable, "The store cannot answer; try again.")
		}, 503, "unavailable", "The store cannot answer"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHouseOn(t, func(db *sqlite.DB) manage.Store { return broken{db, test.fail} })
			_, err := h.client.Connectors(t.Context())
			got, ok := errors.AsType[*adminapi.Error](err)
			if !ok || got.Status != test.status || got.Kind != test.kind || got.RequestID == "" {
				t.Fatalf("error %#v", err)
			}
			if strings.Contains(got.Message, inner) || !strings.HasPrefix(got.Message, test.message) {
				t.Errorf("the client sees %q", got.Message)
			}
			if !strings.Contains(h.log.String(), inner) || !strings.Contains(h.log.String(), got.RequestID) {
				t.Errorf("the log does not tell what happened: %s", h.log)
			}
		})
	}
}

func TestWhoDidIt(t *testing.T) {
	h := newHouse(t)
	made, err := h.client.CreateOrganisation(t.Context(), adminapi.NewOrganisation{Name: "garden"})
	if err != nil {
		t.Fatal(err)
	}
	events, err := h.client.Events(t.Context(), made.ID, adminapi.Page{})
	if err != nil || len(events.Events) != 1 {
		t.Fatalf("events %+v (%v)", events, err)
	}
	got := events.Events[0]
	want := adminapi.Event{
		ID: got.ID, At: start, Organisation: "garden", Actor: "admin:alice", Action: "organisation.created", Object: made.ID, Detail: "garden",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
}
