package keyring_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/pki"

	"github.com/everleaf-pki/everleaf/internal/ca/keyring"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// What the ring writes, openssl reads.
func TestOpenSSLReadsTheRing(t *testing.T) {
	for _, secret := range []string{"", passphrase, "pass wörd ✓ '\"$x"} {
		for _, kind := range []pki.KeyType{pki.ECDSAP256, pki.ECDSAP384, pki.RSA2048} {
			dir := privateDir(t)
			key, err := openRing(t, dir, secret).Generate("root", kind)
			if err != nil {
				t.Fatal(err)
			}
			public := openssl(t, nil, "pkey", "-in", filepath.Join(dir, "root.key"), "-passin", "pass:"+secret, "-pubout")
			requirePublic(t, public, key)
		}
	}
}

func TestOpenSSLNeedsThePassphrase(t *testing.T) {
	dir := privateDir(t)
	if _, err := openRing(t, dir, passphrase).Generate("root", pki.ECDSAP256); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(opensslPath(t), "pkey", "-in", filepath.Join(dir, "root.key"), "-passin", "pass:wrong", "-noout")
	if said, err := command.CombinedOutput(); err == nil {
		t.Errorf("openssl took a wrong passphrase: %s", said)
	}
}

// What openssl writes, in each form that a CA's key comes in, can be imported, and then is in the ring's own form.
func TestImportFromOpenSSL(t *testing.T) {
	keys := map[string][]string{
		"P-256":    {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"},
		"P-384":    {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"},
		"RSA 2048": {"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"},
		"RSA 4096": {"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:4096"},
	}
	forms := map[string][]string{
		"plain PKCS#8":          {"pkcs8", "-topk8", "-nocrypt"},
		"encrypted by default":  {"pkcs8", "-topk8", "-passout", "pass:" + passphrase},
		"AES-128, HMAC-SHA-1":   {"pkcs8", "-topk8", "-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA1", "-passout", "pass:" + passphrase},
		"AES-192, HMAC-SHA-384": {"pkcs8", "-topk8", "-v2", "aes-192-cbc", "-v2prf", "hmacWithSHA384", "-passout", "pass:" + passphrase},
		"AES-256, HMAC-SHA-512": {"pkcs8", "-topk8", "-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA512", "-passout", "pass:" + passphrase},
		"the form before":       {"pkey", "-traditional"},
	}
	ring := openRing(t, privateDir(t), "")
	for keyName, arguments := range keys {
		made := openssl(t, nil, append([]string{"genpkey"}, arguments...)...)
		for formName, convert := range forms {
			t.Run(keyName+"/"+formName, func(t *testing.T) {
				key, err := keyring.ParsePrivateKey(openssl(t, made, convert...), []byte(passphrase))
				if err != nil {
					t.Fatal(err)
				}
				requirePublic(t, openssl(t, made, "pkey", "-pubout"), key)
				if err := ring.Import("imported", key); err != nil {
					t.Fatal(err)
				}
				requireKey(t, ring, "imported", key)
				if err := ring.Delete("imported"); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
}

// A key file of openssl that is put into the folder by hand is loaded as it is.
func TestLoadAFileOfOpenSSL(t *testing.T) {
	dir := privateDir(t)
	ring := openRing(t, dir, passphrase)
	made := openssl(t, nil, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-aes256", "-pass", "pass:"+passphrase)
	if err := os.WriteFile(filepath.Join(dir, "root.key"), made, 0o600); err != nil {
		t.Fatal(err)
	}
	key, err := ring.Load("root")
	if err != nil {
		t.Fatal(err)
	}
	requirePublic(t, openssl(t, made, "pkey", "-passin", "pass:"+passphrase, "-pubout"), key)
}

// "openssl ecparam -genkey" writes the parameters first, and operators keep key and certificate in one file.
func TestParsePrivateKeyAmongOtherBlocks(t *testing.T) {
	key := openssl(t, nil, "ecparam", "-name", "prime256v1", "-genkey")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("any")})
	if _, err := keyring.ParsePrivateKey(append(certificate, key...), nil); err != nil {
		t.Error(err)
	}
}

func TestParsePrivateKeyRefuses(t *testing.T) {
	ec := openssl(t, nil, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
	encrypted := openssl(t, ec, "pkcs8", "-topk8", "-passout", "pass:"+passphrase)
	const convert = "convert it with: openssl pkcs8 -topk8 -v2 aes-256-cbc -in OLD -out NEW"
	tests := []struct {
		name, passphrase string
		text             []byte
		want             string
	}{
		{"nothing", "", nil, "or it is damaged. Name the right file with --import-key (init), --key (ca import) or --parent-key (ca next)."},
		{"a certificate only", "", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE"}), "no PEM block"},
		{"DER", "", pemBytes(ec), "no PEM block"},
		{"two keys", "", bytes.Repeat(ec, 2), "more than one key"},
		{"too large", "", append(ec, make([]byte, keyring.MaxPEM)...), "more than 65536 octets"},
		{"RSA of 1024 bits", "", openssl(t, nil, "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"), "RSA of 1024 bits"},
		{"a key of 9 kB", "", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: make([]byte, 9<<10)}), "too many for a key"},
		{"trailing bytes", "", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: append(pemBytes(ec), 0)}), "not DER"},
		{"the sealing key's label", "", pem.EncodeToMemory(&pem.Block{Type: "EVERLEAF SEALING KEY", Bytes: pemBytes(ec)}), "no PEM block"},
		{"an OpenSSH label", "", pem.EncodeToMemory(&pem.Block{Type: "OPENSSH PRIVATE KEY", Bytes: pemBytes(ec)}), convert},
		{"Ed25519", "", openssl(t, nil, "genpkey", "-algorithm", "ED25519"), "neither an ECDSA nor an RSA key; issuers have"},
		{"X25519", "", openssl(t, nil, "genpkey", "-algorithm", "X25519"), "cannot sign"},
		{"P-521", "", openssl(t, nil, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"), "its curve is P-521"},
		{"encrypted before PKCS#8", passphrase, openssl(t, ec, "pkey", "-traditional", "-aes128", "-passout", "pass:"+passphrase), convert},
		{"PBES1", passphrase, openssl(t, ec, "pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES", "-passout", "pass:"+passphrase), convert},
		{"scrypt", passphrase, openssl(t, ec, "pkcs8", "-topk8", "-scrypt", "-passout", "pass:"+passphrase), convert},
		{"encrypted, no passphrase", "", encrypted, "the key is encrypted and no passphrase was given. Name the file of its passphrase with --import-passphrase-file (init)"},
		{"encrypted, wrong passphrase", "wrong", encrypted, "the passphrase is wrong, or the file is damaged. Name the file of its passphrase"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			key, err := keyring.ParsePrivateKey(test.text, []byte(test.passphrase))
			refusal, ok := errors.AsType[*fault.Error](err)
			if key != nil || !ok || refusal.Kind != fault.Malformed {
				t.Fatalf("got %v, %v, want Malformed", key, err)
			}
			if !strings.HasPrefix(refusal.Public, "The private key cannot be used: ") || !strings.Contains(refusal.Public, test.want) {
				t.Errorf("got %q, want %q in it", refusal.Public, test.want)
			}
		})
	}
}

func opensslPath(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("openssl")
	if err != nil {
		t.Fatal("openssl is not installed; run make tools")
	}
	return path
}

// openssl returns what the command writes.
func openssl(t *testing.T, stdin []byte, arguments ...string) []byte {
	t.Helper()
	command := exec.Command(opensslPath(t), arguments...)
	var stderr bytes.Buffer
	command.Stdin, command.Stderr = bytes.NewReader(stdin), &stderr
	stdout, err := command.Output()
	if err != nil {
		t.Fatalf("openssl %q: %v: %s", arguments, err, &stderr)
	}
	return stdout
}

func requirePublic(t *testing.T, public []byte, key crypto.Signer) {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(pemBytes(public), der) {
		t.Errorf("the public keys differ")
	}
}

func pemBytes(text []byte) []byte {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil
	}
	return block.Bytes
}
