package manage

import (
	"bytes"
	"encoding/pem"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// FuzzParseChain holds that whatever an operator brings ends in a bounded number of certificates, or in a refusal that
// says why.
// Proves INC-56.
func FuzzParseChain(f *testing.F) {
	f.Add([]byte{})
	f.Add(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte{0x30, 0}}))
	f.Add(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte{0x30, 0}}))
	f.Add(bytes.Repeat([]byte("-----BEGIN CERTIFICATE-----\n"), 1000))
	f.Add(make([]byte, maxImport+1))
	f.Fuzz(func(t *testing.T, text []byte) {
		chain, err := parseChain(text)
		switch {
		case err == nil && (len(chain) == 0 || len(chain) > maxDepth):
			t.Errorf("%d certificates", len(chain))
		case err != nil && (!fault.Is(err, fault.Malformed) || fault.Sentence(err) == ""):
			t.Errorf("refused without a reason: %v", err)
		}
	})
}
