package problem_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/problem"
)

// registered is the IANA registry "ACME Error Types": RFC 8555 section 6.7, RFC 8739, 9115, 9773, 9799, and
// invalidProfile of draft-ietf-acme-profiles.
var registered = strings.Fields(`accountDoesNotExist alreadyRevoked badCSR badNonce badPublicKey badRevocationReason
	badSignatureAlgorithm caa compound connection dns externalAccountRequired incorrectResponse invalidContact malformed
	orderNotReady rateLimited rejectedIdentifier serverInternal tls unauthorized unsupportedContact unsupportedIdentifier
	userActionRequired autoRenewalCanceled autoRenewalExpired autoRenewalCancellationInvalid
	autoRenewalRevocationNotSupported unknownDelegation alreadyReplaced onionCAARequired invalidProfile`)

func TestTable(t *testing.T) {
	kinds := declaredKinds(t)
	seen := map[fault.Kind]bool{}
	for _, a := range problem.Answers() {
		t.Run("E-02 "+string(a.Type), func(t *testing.T) {
			if !slices.Contains(registered, string(a.Type)) {
				t.Errorf("type %q of kind %q is not in the IANA registry", a.Type, a.Kind)
			}
			if a.Status < 400 || a.Status > 599 {
				t.Errorf("kind %q has status %d, which is no error", a.Kind, a.Status)
			}
			if server := a.Status >= 500; server != (a.Type == problem.ServerInternal) {
				t.Errorf("kind %q: type %q with status %d", a.Kind, a.Type, a.Status)
			}
		})
		if seen[a.Kind] {
			t.Errorf("kind %q stands twice in the table", a.Kind)
		}
		seen[a.Kind] = true
	}
	for _, k := range kinds {
		if !seen[k] {
			t.Errorf("kind %q has no line in the table", k)
		}
	}
	if len(seen) != len(kinds) {
		t.Errorf("the table has %d kinds, package fault declares %d", len(seen), len(kinds))
	}
}

// declaredKinds reads the constants of type Kind from the source of package fault.
func declaredKinds(t *testing.T) []fault.Kind {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../fault/fault.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []fault.Kind
	for _, decl := range file.Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		for _, spec := range group.Specs {
			value, ok := spec.(*ast.ValueSpec)
			if !ok || len(value.Values) != 1 {
				t.Fatalf("a constant of package fault has another form than expected: %v", spec)
			}
			text, err := strconv.Unquote(value.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			kinds = append(kinds, fault.Kind(text))
		}
	}
	if len(kinds) < 20 {
		t.Fatalf("found %d kinds only", len(kinds))
	}
	return kinds
}

func TestFromError(t *testing.T) {
	name, err := ident.ParseDNS("a.example.com")
	if err != nil {
		t.Fatal(err)
	}
	hidden := `{"type":"urn:ietf:params:acme:error:serverInternal","detail":"The server met an unexpected condition; ` +
		`its log tells the operator which.","status":500}`
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"E-01 type, detail and status", fault.New(fault.BadNonce, "Used."), `{"type":"urn:ietf:params:acme:error:badNonce","detail":"Used.","status":400}`},
		{"E-05 an error without kind is not shown", errors.New("SELECT secret FROM /var/lib"), hidden},
		{"E-05 nor is one of kind Internal", fault.New(fault.Internal, "secret"), hidden},
		{"E-05 a cause is not shown", fmt.Errorf("outer: %w", fault.Wrap(errors.New("secret"), fault.NotFound, "None.")), `{"type":"urn:ietf:params:acme:error:malformed","detail":"None.","status":404}`},
		{"J-08 algorithms", &fault.Error{Kind: fault.BadSignatureAlgorithm, Public: "No.", Algorithms: []string{"ES256"}}, `{"type":"urn:ietf:params:acme:error:badSignatureAlgorithm","detail":"No.","status":400,"algorithms":["ES256"]}`},
		{
			"E-03 E-04 identifiers in subproblems only",
			&fault.Error{Kind: fault.RejectedIdentifier, Public: "Two.", Subs: []fault.Sub{
				{Kind: fault.RejectedIdentifier, Public: "One.", Identifier: name},
				{Kind: fault.CAA, Public: "Two."},
			}},
			`{"type":"urn:ietf:params:acme:error:rejectedIdentifier","detail":"Two.","status":403,"subproblems":[` +
				`{"type":"urn:ietf:params:acme:error:rejectedIdentifier","detail":"One.","identifier":{"type":"dns","value":"a.example.com"}},` +
				`{"type":"urn:ietf:params:acme:error:caa","detail":"Two."}]}`,
		},
		{"an unknown kind", fault.New("strange", "Odd."), `{"type":"urn:ietf:params:acme:error:serverInternal","detail":"Odd.","status":500}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := json.Marshal(problem.FromError(tt.err))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestInReplyTo(t *testing.T) {
	document := problem.FromError(fault.New(fault.BadNonce, "Used."))
	want := problem.Document{Type: problem.BadNonce, Status: 400, Detail: "Used. (request ABC)", RequestID: "ABC"}
	if diff := cmp.Diff(want, document.InReplyTo("ABC")); diff != "" {
		t.Error(diff)
	}
	if document.RequestID != "" || document.Detail != "Used." {
		t.Errorf("the document itself has become %+v", document)
	}
}

func TestTypeText(t *testing.T) {
	for wire, want := range map[string]problem.Type{
		`"urn:ietf:params:acme:error:badCSR"`: problem.BadCSR,
		`"about:blank"`:                       "about:blank",
	} {
		var got problem.Type
		if err := json.Unmarshal([]byte(wire), &got); err != nil || got != want {
			t.Errorf("read %s = %q, %v; want %q", wire, got, err, want)
		}
		if back, err := json.Marshal(got); err != nil || string(back) != wire {
			t.Errorf("written again it is %s, %v; want %s", back, err, wire)
		}
	}
}
