package test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/everleaf-pki/everleaf/scripts/proof/ledger"
)

// TestProofs holds that each rule of docs/acme-conformance.md and docs/incidents.md has a test or a reason why not, that
// no test names a rule that does not exist, and that the documents are what `make proof` writes.
// Proves INC-34.
func TestProofs(t *testing.T) {
	result, err := ledger.Read("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, finding := range result.Findings {
		t.Error(finding)
	}
	for _, document := range result.Documents {
		have, err := os.ReadFile(filepath.Join("..", document.Path))
		if err != nil {
			t.Fatal(err)
		}
		if string(have) != document.Text {
			t.Errorf("%s is not what the lists and the tests say: run make proof", document.Path)
		}
		if document.Lines < 100 || document.Proven < 50 {
			t.Errorf("%s has %d lines, %d of them proven: this test looks in the wrong place", document.Path, document.Lines, document.Proven)
		}
	}
}
