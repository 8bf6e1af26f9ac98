// Command proof writes the documents that say by which test each rule holds, from the lists beside it and from the
// ids that the tests name:
//
//	go run ./scripts/proof        in the root of the repository
//
// It fails, and names the line, where a list and the tests contradict each other; the documents are written all the same.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/everleaf-pki/everleaf/scripts/proof/ledger"
)

func main() {
	if err := run("."); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(root string) error {
	result, err := ledger.Read(root)
	if err != nil {
		return err
	}
	for _, document := range result.Documents {
		if err := os.WriteFile(filepath.Join(root, document.Path), []byte(document.Text), 0o644); err != nil {
			return err
		}
		fmt.Printf("%s: %d lines, %d of them proven\n", document.Path, document.Lines, document.Proven)
	}
	for _, finding := range result.Findings {
		fmt.Fprintln(os.Stderr, finding)
	}
	if n := len(result.Findings); n != 0 {
		return fmt.Errorf("%d contradictions", n)
	}
	return nil
}
