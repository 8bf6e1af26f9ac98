package keyring

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// No disk writes the wrong key in a test; what is said of one that did is shown on files of other hands.
func TestConfirm(t *testing.T) {
	p := protection{[]byte("correct horse"), fewIterations}
	write := func(kind pki.KeyType) (secret, string) {
		key, err := generate(kind)
		if err != nil {
			t.Fatal(err)
		}
		text, err := (&Keyring{protection: p}).encodePrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		s, err := openSecret("root", text, p.passphrase)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "root.key")
		if err := os.WriteFile(path, text, privateFile); err != nil {
			t.Fatal(err)
		}
		return s, path
	}
	one, path := write(pki.ECDSAP256)
	_, other := write(pki.ECDSAP256)
	for _, test := range []struct{ path, passphrase, refusal string }{
		{path, "correct horse", ""},
		{other, "correct horse", "the new file holds another key"},
		{path, "wrong", "the new file does not open: the passphrase is wrong"},
		{filepath.Join(t.TempDir(), "none"), "correct horse", "does not exist"},
	} {
		err := confirm(one, test.path, []byte(test.passphrase))
		if (err == nil) != (test.refusal == "") || err != nil && !strings.Contains(err.Error(), test.refusal) {
			t.Errorf("got %v, want %q", err, test.refusal)
		}
	}
}
