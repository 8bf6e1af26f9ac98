package manage_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

// extensions are the sections of openssl's configuration, one for each kind of CA certificate.
const extensions = `
[req]
distinguished_name = subject
prompt = no
[subject]
CN = unused
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[issuing]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[no-ca]
basicConstraints = critical, CA:FALSE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[no-constraints]
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[no-usage]
basicConstraints = critical, CA:TRUE
subjectKeyIdentifier = hash
[no-crl-sign]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[no-cert-sign]
basicConstraints = critical, CA:TRUE
keyUsage = critical, cRLSign
subjectKeyIdentifier = hash
[no-key-id]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = none
[mail]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
extendedKeyUsage = emailProtection
[constrained]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
nameConstraints = critical, permitted;DNS:example.com
[constrained-people]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
nameConstraints = critical, permitted;dirName:subject
`

// workshop is a folder in which openssl makes CAs: NAME.pem and NAME.key.
type workshop struct {
	t      *testing.T
	folder string
}

func newWorkshop(t *testing.T) workshop {
	t.Helper()
	w := workshop{t, t.TempDir()}
	if err := os.WriteFile(w.path("openssl.cnf"), []byte(extensions), 0o600); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w workshop) path(name string) string { return filepath.Join(w.folder, name) }

// openssl runs the command in the folder.
func (w workshop) openssl(arguments string, more ...string) {
	w.t.Helper()
	path, err := exec.LookPath("openssl")
	if err != nil {
		w.t.Fatal("openssl is not installed; run make tools")
	}
	command := exec.Command(path, append(strings.Fields(arguments), more...)...)
	command.Dir = w.folder
	if said, err := command.CombinedOutput(); err != nil {
		w.t.Fatalf("openssl %s: %v: %s", arguments, err, said)
	}
}

const (
	p256    = "EC -pkeyopt ec_paramgen_curve:P-256"
	p384    = "EC -pkeyopt ec_paramgen_curve:P-384"
	rsa2048 = "RSA -pkeyopt rsa_keygen_bits:2048"
)

// root makes a self-signed CA.
func (w workshop) root(name, section, key string, options ...string) {
	w.t.Helper()
	w.openssl("genpkey -out " + name + ".key -algorithm " + key)
	w.openssl("req -x509 -config openssl.cnf -days 3650 -extensions "+section+" -subj /CN="+name+" -key "+name+".key -out "+name+".pem", options...)
}

// below makes a CA that another one signs.
func (w workshop) below(parent, name, section, key string, options ...string) {
	w.t.Helper()
	w.openssl("genpkey -out " + name + ".key -algorithm " + key)
	w.openssl("req -new -config openssl.cnf -subj /CN=" + name + " -key " + name + ".key -out " + name + ".csr")
	if len(options) == 0 {
		options = []string{"-days", "1000"}
	}
	w.openssl("x509 -req -in "+name+".csr -CA "+parent+".pem -CAkey "+parent+".key -CAcreateserial -extfile openssl.cnf -extensions "+section+" -out "+name+".pem", options...)
}

// files returns the contents of files, one after another.
func (w workshop) files(names string) []byte {
	w.t.Helper()
	var all []byte
	for _, name := range strings.Fields(names) {
		text, err := os.ReadFile(w.path(name))
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, text...)
	}
	return all
}

// newNow returns an installation that is set up under the clock that openssl reads.
func newNow(t *testing.T) *installation {
	t.Helper()
	i := newInstallation(t)
	i.Clock.Set(time.Now().Truncate(time.Second))
	i.bootstrap(t, manage.Setup{PublicURL: publicURL})
	return i
}

// What openssl makes signs here at once, in every form of key, and openssl verifies what it signed.
func TestImportOfOpenSSL(t *testing.T) {
	w := newWorkshop(t)
	w.root("root", "root", p256)
	w.root("rsa-root", "root", rsa2048)
	w.root("p384-root", "root", p384)
	w.root("constrained-root", "constrained", p256)
	w.below("root", "plain", "issuing", p256)
	w.below("root", "middle", "root", p256)
	w.below("middle", "low", "issuing", p384, "-days", "900")
	w.below("root", "constrained", "constrained", p256)
	w.below("rsa-root", "rsa", "issuing", rsa2048)
	w.openssl("ec -in plain.key -out plain.sec1")
	w.openssl("pkcs8 -topk8 -in plain.key -passout pass:open-sesame -out plain.encrypted")
	w.openssl("pkey -traditional -in rsa.key -out rsa.pkcs1")
	for about, test := range map[string]struct{ chain, key, passphrase string }{
		"root":                  {"root.pem", "root.key", ""},
		"RSA root":              {"rsa-root.pem", "rsa-root.key", ""},
		"P-384 root":            {"p384-root.pem", "p384-root.key", ""},
		"constrained root":      {"constrained-root.pem", "constrained-root.key", ""},
		"PKCS#8":                {"plain.pem root.pem", "plain.key", ""},
		"PKCS#8, encrypted":     {"plain.pem root.pem", "plain.encrypted", "open-sesame"},
		"SEC1":                  {"plain.pem root.pem", "plain.sec1", ""},
		"PKCS#1":                {"rsa.pem rsa-root.pem", "rsa.pkcs1", ""},
		"key and chain at hand": {"plain.pem root.pem", "plain.pem plain.key root.pem", ""},
		"three of them":         {"low.pem middle.pem root.pem", "low.key", ""},
		"constrained":           {"constrained.pem root.pem", "constrained.key", ""},
	} {
		t.Run(about, func(t *testing.T) {
			i := newNow(t)
			in := manage.Import{Name: manage.Default, Chain: w.files(test.chain), Key: w.files(test.key), Passphrase: []byte(test.passphrase)}
			view, err := i.ImportIssuer(t.Context(), operator, "", in)
			if err != nil || !view.Signs {
				t.Fatalf("signs %t: %v", view.Signs, err)
			}
			leaf := certificatePEM(i.issue(t, "shop.example.com").DER)
			if err := os.WriteFile(w.path("leaf.pem"), append(leaf, w.files(test.chain)...), 0o600); err != nil {
				t.Fatal(err)
			}
			w.openssl("verify -x509_strict -purpose sslserver -untrusted leaf.pem -CAfile " + test.chain[strings.LastIndex(test.chain, " ")+1:] + " leaf.pem")
		})
	}
}

// What cannot sign is refused with a sentence that names what is wrong, and leaves neither a key nor a row.
func TestImportOfOpenSSLRefused(t *testing.T) {
	w := newWorkshop(t)
	for _, section := range []string{"root", "issuing", "no-ca", "no-constraints", "no-usage", "no-crl-sign", "no-cert-sign", "no-key-id", "mail", "constrained-people"} {
		w.root(section, section, p256)
	}
	w.root("other", "root", p256)
	w.root("sha1", "root", rsa2048, "-sha1")
	w.root("rsa-root", "root", rsa2048)
	w.below("rsa-root", "below-sha1", "issuing", rsa2048, "-sha1")
	w.below("root", "good", "issuing", p256)
	w.below("root", "expired", "issuing", p256, "-days", "-1")
	w.below("root", "long", "issuing", p256, "-days", "9999")
	w.below("issuing", "too-deep", "issuing", p256)
	w.below("good", "two-too-deep", "issuing", p256, "-days", "900")
	w.openssl("pkcs8 -topk8 -in good.key -passout pass:open-sesame -out good.encrypted")
	w.openssl("x509 -in good.pem -outform DER -out good.der")
	i := newNow(t)
	own := func(name string) [2]string { return [2]string{name + ".pem", name + ".key"} }
	of := func(chain, key string) [2]string { return [2]string{chain, key} }
	for about, test := range map[string]struct {
		files [2]string
		says  string
	}{
		"no cA":              {own("no-ca"), `The CA certificate "CN=no-ca" cannot be used. Its basicConstraints lacks cA: it is not a CA certificate.`},
		"no constraints":     {own("no-constraints"), `The CA certificate "CN=no-constraints" cannot be used. It lacks the extension basicConstraints, which makes a CA certificate.`},
		"no usage":           {own("no-usage"), `The CA certificate "CN=no-usage" cannot be used. It lacks the extension keyUsage, with keyCertSign and cRLSign.`},
		"no cRLSign":         {own("no-crl-sign"), `The CA certificate "CN=no-crl-sign" cannot be used. Its keyUsage lacks cRLSign, without which it can revoke nothing.`},
		"no keyCertSign":     {own("no-cert-sign"), `The CA certificate "CN=no-cert-sign" cannot be used. Its keyUsage lacks keyCertSign.`},
		"no key identifier":  {own("no-key-id"), `The CA certificate "CN=no-key-id" cannot be used. It lacks the extension subjectKeyIdentifier, to which its leaves and lists would point.`},
		"for mail":           {own("mail"), `The CA certificate "CN=mail" cannot be used. Its extendedKeyUsage has neither serverAuth nor clientAuth, so no client would accept its leaves.`},
		"names of people":    {own("constrained-people"), `The CA certificate "CN=constrained-people" cannot be used. Its critical extension nameConstraints (2.5.29.30) is not understood here.`},
		"SHA-1 root":         {own("sha1"), `The CA certificate "CN=sha1" cannot be used. Its signature algorithm is SHA1-RSA, which is not secure.`},
		"SHA-1":              {of("below-sha1.pem rsa-root.pem", "below-sha1.key"), `The CA certificate "CN=below-sha1" cannot be used. Its signature algorithm is SHA1-RSA, which is not secure.`},
		"expired":            {of("expired.pem root.pem", "expired.key"), `The CA certificate "CN=expired" cannot be used. It expired at `},
		"outlives":           {of("long.pem root.pem", "long.key"), `The CA certificate "CN=long" cannot be used. It outlives the CA that signed it, which ends at `},
		"path length":        {of("too-deep.pem issuing.pem", "too-deep.key"), `The CA certificate "CN=issuing" cannot be used. Its basicConstraints has a pathLenConstraint of 0; the number of CA certificates below it would be 1.`},
		"path length inside": {of("two-too-deep.pem good.pem root.pem", "two-too-deep.key"), `The CA certificate "CN=good" cannot be used. Its basicConstraints has a pathLenConstraint of 0; the number of CA certificates below it would be 1.`},
		"no root":            {own("good"), `The CA certificate "CN=good" cannot be used. The root is not given: add the certificate of "CN=root", which signed this one, and those above it.`},
		"another root":       {of("good.pem other.pem", "good.key"), `The CA certificate "CN=good" cannot be used. It was signed by "CN=root", and the certificate after it is that of "CN=other".`},
		"one too many":       {of("good.pem root.pem other.pem", "good.key"), `The CA certificate "CN=root" cannot be used. It was signed by "CN=root", and the certificate after it is that of "CN=other".`},
		"wrong order":        {of("root.pem good.pem", "good.key"), `The private key does not belong to the first certificate of the chain but to number 2, "CN=good". The certificate of the key comes first, after it the one that signed it, and the root last.`},
		"the root's key":     {of("good.pem root.pem", "root.key"), `The private key does not belong to the first certificate of the chain but to number 2, "CN=root". The certificate of the key comes first, after it the one that signed it, and the root last.`},
		"another key":        {of("good.pem root.pem", "other.key"), `The CA certificate "CN=good" cannot be used. The private key does not belong to the certificate.`},
		"a key in the chain": {of("good.pem good.key root.pem", "good.key"), `The chain has a PEM block of type "PRIVATE KEY"; give certificates only, and the key by itself.`},
		"DER":                {of("good.der", "good.key"), `The chain has no certificate in PEM; one in DER is converted with: openssl x509 -inform DER -in OLD -out NEW`},
		"no passphrase":      {of("good.pem root.pem", "good.encrypted"), `The private key cannot be used: the key is encrypted and no passphrase was given. Name the file of its passphrase with --import-passphrase-file (init), --key-passphrase-file (ca import) or --parent-key-passphrase-file (ca next).`},
	} {
		t.Run(about, func(t *testing.T) {
			before, _ := i.Installation.Keys.Names()
			rows := i.issuers(t, "")
			_, err := i.ImportIssuer(t.Context(), operator, "", manage.Import{Chain: w.files(test.files[0]), Key: w.files(test.files[1])})
			if !fault.Is(err, fault.Malformed) || !strings.HasPrefix(fault.Sentence(err), test.says) {
				t.Errorf("got  %v\nwant %s", err, test.says)
			}
			after, _ := i.Installation.Keys.Names()
			if diff := cmp.Diff(before, after) + cmp.Diff(rows, i.issuers(t, "")); diff != "" {
				t.Errorf("the refusal left:\n%s", diff)
			}
		})
	}
}
