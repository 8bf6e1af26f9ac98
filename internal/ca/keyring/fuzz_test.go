package keyring

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fewIterations keeps the fuzzer quick.
const fewIterations = 1000

// FuzzParsePrivateKey holds that whatever a key file holds, reading ends in an error or in a key that can be stored
// and read back as the same key.
func FuzzParsePrivateKey(f *testing.F) {
	for _, seed := range seeds(f) {
		f.Add(seed, []byte("correct horse"))
		f.Add(seed, []byte(nil))
	}
	f.Fuzz(func(t *testing.T, text, passphrase []byte) {
		key, err := parsePrivateKey(text, passphrase, fewIterations)
		if err != nil {
			if key != nil {
				t.Error("a key and an error")
			}
			return
		}
		if len(text) > MaxPEM {
			t.Errorf("%d octets were read", len(text))
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		again, err := parsePrivateKey(pem.EncodeToMemory(&pem.Block{Type: privateKeyLabel, Bytes: der}), nil, fewIterations)
		if err != nil {
			t.Fatal(err)
		}
		if !key.(interface{ Equal(crypto.PrivateKey) bool }).Equal(again) {
			t.Error("the stored key is another one")
		}
	})
}

// TestSealingKeysOfOtherForms has files with the label of a sealing key and something else inside.
func TestSealingKeysOfOtherForms(t *testing.T) {
	whole := bytes.Repeat([]byte{7}, SealingKeySize)
	block := func(content any) []byte {
		der, err := asn1.Marshal(content)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: sealingKeyLabel, Bytes: der})
	}
	for want, texts := range map[string][][]byte{
		"": {block(sealingKey{sealingKeyVersion, whole})},
		"it is no sealing key of version": {
			block(sealingKey{sealingKeyVersion + 1, whole}), block(sealingKey{sealingKeyVersion, whole[1:]}), block(sealingKey{sealingKeyVersion, append(whole, 7)}),
		},
		"it is damaged, or of a form": {block(struct{ Key []byte }{whole}), block(struct{ A, B int }{1, 2})},
		"its encryption is damaged":   {pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED " + sealingKeyLabel, Bytes: []byte{0x30, 0}})},
	} {
		for i, text := range texts {
			_, err := parseSealingKey(text, []byte("correct horse"), fewIterations)
			if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%d: %v, want %q", i, err, want)
			}
		}
	}
}

// FuzzParseSealingKey holds the same for sealing.key.
func FuzzParseSealingKey(f *testing.F) {
	key := bytes.Repeat([]byte{7}, SealingKeySize)
	text, err := encodeSealingKey(key, protection{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text, []byte("correct horse"))
	for _, seed := range seeds(f) {
		f.Add(bytes.ReplaceAll(seed, []byte("PRIVATE KEY"), []byte(sealingKeyLabel)), []byte("correct horse"))
	}
	f.Fuzz(func(t *testing.T, text, passphrase []byte) {
		key, err := parseSealingKey(text, passphrase, fewIterations)
		if err != nil {
			return
		}
		stored, err := encodeSealingKey(key, protection{})
		if err != nil {
			t.Fatal(err)
		}
		if again, err := parseSealingKey(stored, nil, fewIterations); err != nil || !bytes.Equal(again, key) {
			t.Errorf("got %x, %v, want %x", again, err, key)
		}
	})
}

// seeds are keys that openssl 3.0 wrote, one of each form.
func seeds(f *testing.F) [][]byte {
	f.Helper()
	files, err := filepath.Glob("testdata/*.pem")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	var texts [][]byte
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		texts = append(texts, text)
	}
	return texts
}
