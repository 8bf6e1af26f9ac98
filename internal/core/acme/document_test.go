package acme

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/states.md")

const statesDocument = "../../../docs/states.md"

// TestStatesDocument keeps docs/states.md equal to the tables in code.
// Write it anew with: go test ./internal/core/acme -run TestStatesDocument -update
func TestStatesDocument(t *testing.T) {
	want := renderStates()
	if *update {
		if err := os.WriteFile(statesDocument, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(statesDocument)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/states.md is not what the tables say; run: go test ./internal/core/acme -run TestStatesDocument -update")
	}
}

func renderStates() string {
	var out strings.Builder
	out.WriteString(`# States

Generated from the tables in ` + "`internal/core/acme/states.go`" + `; a test keeps both equal. There is no edge that is not listed here
(RFC 8555 section 7.1.6). Statuses are derived from stored facts and the time: *lapse* is nothing but time going by,
*authorize* and *lose* are what happens to an order when its authorizations change, and *orphan* when its account ends. An
authorization that an operator pre-approved begins as valid, and an order of such alone as ready.
`)
	for _, machine := range []struct {
		name  string
		table []Transition
	}{
		{"Order", OrderTransitions()},
		{"Authorization", AuthorizationTransitions()},
		{"Challenge", ChallengeTransitions()},
	} {
		fmt.Fprintf(&out, "\n## %s\n\n```mermaid\nstateDiagram-v2\n    [*] --> pending\n", machine.name)
		for _, edge := range machine.table {
			fmt.Fprintf(&out, "    %s --> %s: %s\n", edge.From, edge.To, edge.Event)
		}
		out.WriteString("```\n\n| from | event | to |\n|---|---|---|\n")
		for _, edge := range machine.table {
			fmt.Fprintf(&out, "| %s | %s | %s |\n", edge.From, edge.Event, edge.To)
		}
	}
	return out.String()
}
