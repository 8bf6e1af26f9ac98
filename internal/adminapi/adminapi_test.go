package adminapi_test

import (
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/limit"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// TestChangesNameWhatTheyChange compares the members of the change types with those of what they change: a member that
// is missing in one could not be set, a misspelt one would be refused.
func TestChangesNameWhatTheyChange(t *testing.T) {
	for _, pair := range [][2]any{
		{adminapi.RulesChange{}, policy.Rules{}},
		{adminapi.AddressesChange{}, policy.Addresses{}},
		{adminapi.LimitsChange{}, limit.Limits{}},
		{adminapi.PersistChange{}, policy.Persist{}},
		{adminapi.SpecChange{}, pki.Spec{}},
	} {
		change, whole := members(pair[0]), members(pair[1])
		if !slices.Equal(change, whole) {
			t.Errorf("%T has the members %q, %T has %q", pair[0], change, pair[1], whole)
		}
	}
}

func members(v any) []string {
	var names []string
	for field := range reflect.TypeOf(v).Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func TestDecodeIsStrict(t *testing.T) {
	var n adminapi.NewCredential
	if err := adminapi.Decode([]byte(`{"name":"web","max_accounts":3}`), &n); err != nil || n.Name != "web" || n.MaxAccounts != 3 {
		t.Errorf("%+v (%v)", n, err)
	}
	for _, text := range []string{``, `null`, `[]`, `{"nam":"web"}`, `{"Name":"web"}`, `{"name":"a","name":"a"}`, `{"name":"a"} x`, "{\"name\":\"\xff\"}", `{"name":1}`} {
		if err := adminapi.Decode([]byte(text), new(adminapi.NewCredential)); !fault.Is(err, fault.Malformed) {
			t.Errorf("%s: %v, want malformed", text, err)
		}
	}
}

func TestInProcess(t *testing.T) {
	door := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != "hello" || r.RequestURI != "/path?a=b" {
			t.Errorf("got %q at %q (%v)", body, r.RequestURI, err)
		}
		w.Header().Set("X-Before", "1")
		w.WriteHeader(http.StatusTeapot)
		w.WriteHeader(http.StatusOK)
		w.Header().Set("X-After", "1")
		_, _ = io.WriteString(w, "answer")
	})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://door/path?a=b", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	reply, err := adminapi.InProcess(door).RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil || string(body) != "answer" || reply.ContentLength != 6 {
		t.Errorf("body %q of %d octets (%v)", body, reply.ContentLength, err)
	}
	if reply.StatusCode != http.StatusTeapot || reply.Header.Get("X-Before") != "1" || reply.Header.Get("X-After") != "" {
		t.Errorf("status %d, header %v: the first status and what stood before it count", reply.StatusCode, reply.Header)
	}
}

// TestForeignAnswers reads what no door of ours says.
func TestForeignAnswers(t *testing.T) {
	tests := map[string]struct {
		status int
		body   string
		want   string
	}{
		"an error page": {502, "<html>", "status 502"},
		"no message":    {500, `{"kind":"internal"}`, "status 500"},
		"no JSON":       {200, "<html>", "read the server's answer"},
		"another type":  {200, `{"connectors":1}`, "read the server's answer"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			client := adminapi.NewClient(adminapi.InProcess(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Request-Id", "ID1")
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			})))
			_, err := client.Connectors(t.Context())
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error %v, want %q", err, test.want)
			}
			refusal, ok := errors.AsType[*adminapi.Error](err)
			if ok != (test.status != 200) || ok && (refusal.Status != test.status || !strings.Contains(refusal.Error(), "(request ID1)")) {
				t.Errorf("error %#v", err)
			}
		})
	}
}
