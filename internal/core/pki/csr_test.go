package pki_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// Requests in the shapes that clients are known to send.
func TestParseCSRAcceptsClients(t *testing.T) {
	t.Parallel()
	key := newECDSA(t, elliptic.P256())
	for name, c := range map[string]struct{ subject, extensions, names string }{
		"name in the subject only":        {"CN=shop.example.com", "", "dns:shop.example.com"},
		"no subject":                      {"", "subjectAltName=DNS:shop.example.com", "dns:shop.example.com"},
		"in both":                         {"CN=shop.example.com", "subjectAltName=DNS:shop.example.com,DNS:www.example.com", "dns:shop.example.com dns:www.example.com"},
		"in one or the other":             {"CN=shop.example.com", "subjectAltName=DNS:www.example.com", "dns:shop.example.com dns:www.example.com"},
		"other case, twice":               {"CN=Shop.Example.COM", "subjectAltName=DNS:shop.example.com,DNS:SHOP.example.com", "dns:shop.example.com"},
		"wildcard":                        {"CN=*.example.com", "subjectAltName=DNS:*.example.com,DNS:example.com", "dns:*.example.com dns:example.com"},
		"address":                         {"", "subjectAltName=IP:192.0.2.7,IP:2001:db8::7", "ip:192.0.2.7 ip:2001:db8::7"},
		"address in the subject":          {"CN=192.0.2.7", "subjectAltName=IP:192.0.2.7", "ip:192.0.2.7"},
		"IPv6 address in the subject":     {"CN=2001:DB8:0::7", "", "ip:2001:db8::7"},
		"other parts of the subject":      {"C=DE\nO=Example\nemailAddress=a@example.com\nCN=shop.example.com", "", "dns:shop.example.com"},
		"usages of a server and a client": {"CN=shop.example.com", "keyUsage=critical,nonRepudiation,digitalSignature,keyEncipherment\nextendedKeyUsage=serverAuth,clientAuth", "dns:shop.example.com"},
		"CA:FALSE":                        {"CN=shop.example.com", "basicConstraints=critical,CA:FALSE\nsubjectKeyIdentifier=hash", "dns:shop.example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			csr, err := pki.ParseCSR(opensslCSR(t, key, c.subject, c.extensions))
			if err != nil {
				t.Fatal(err)
			}
			checkCSR(t, csr, key.Public(), c.names)
		})
	}
}

// Attributes other than extensionRequest say nothing about the certificate.
// Proves INC-80.
func TestParseCSRIgnoresAttributes(t *testing.T) {
	t.Parallel()
	key := newECDSA(t, elliptic.P256())
	dir := t.TempDir()
	config := filepath.Join(dir, "req.cnf")
	if err := os.WriteFile(config, []byte("[req]\nprompt=no\ndistinguished_name=dn\nattributes=attr\nreq_extensions=ext\n"+
		"[dn]\n[attr]\nchallengePassword=secret\nunstructuredName=x\n[ext]\nsubjectAltName=DNS:a.example.com\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	csr, err := pki.ParseCSR(opensslCSR(t, key, "", "", "-config", config))
	if err != nil {
		t.Fatal(err)
	}
	checkCSR(t, csr, key.Public(), "dns:a.example.com")
}

// Every type of key and signature that a profile may accept.
func TestParseCSRKeysAndSignatures(t *testing.T) {
	t.Parallel()
	rsaKey := newRSA(t, 2048)
	for name, der := range map[string][]byte{
		"P-256 with SHA-384": opensslCSR(t, newECDSA(t, elliptic.P256()), "CN=a.example.com", "", "-sha384"),
		"P-384 with SHA-256": opensslCSR(t, newECDSA(t, elliptic.P384()), "CN=a.example.com", "", "-sha256"),
		"RSA with SHA-512":   opensslCSR(t, rsaKey, "CN=a.example.com", "", "-sha512"),
		"RSA-PSS":            opensslCSR(t, rsaKey, "CN=a.example.com", "", "-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"),
		"Ed25519":            opensslCSRWithKey(t, opensslKey(t, "-algorithm", "ed25519"), "CN=a.example.com", ""),
	} {
		if _, err := pki.ParseCSR(der); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func opensslKey(t *testing.T, args ...string) []byte {
	t.Helper()
	key, err := exec.CommandContext(t.Context(), "openssl", append([]string{"genpkey"}, args...)...).Output()
	if err != nil {
		t.Fatalf("openssl genpkey %v: %v", args, err)
	}
	return key
}

func checkCSR(t *testing.T, csr *pki.CSR, public any, names string) {
	t.Helper()
	var got []string
	for _, id := range csr.Names {
		text, _ := id.MarshalText()
		got = append(got, string(text))
	}
	if diff := cmp.Diff(strings.Fields(names), got); diff != "" {
		t.Error("names (-want +got)", diff)
	}
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	if csr.KeyHash != pki.HashKey(spki) {
		t.Error("KeyHash is not that of the key")
	}
	if key, ok := csr.PublicKey.(*ecdsa.PublicKey); ok && !key.Equal(public) {
		t.Error("PublicKey is another key")
	}
}

// What openssl can be made to ask for, and nobody gets (STANDARDS O-16).
// Proves O-16, INC-36, INC-80, INC-106, INC-107.
func TestParseCSRRefusesContent(t *testing.T) {
	t.Parallel()
	key := newECDSA(t, elliptic.P256())
	const name = "CN=shop.example.com"
	for about, c := range map[string]struct{ subject, extensions, sentence string }{
		"e-mail":                {name, "subjectAltName=DNS:shop.example.com,email:admin@example.com", "an e-mail address as subject alternative name"},
		"URI":                   {name, "subjectAltName=URI:https://example.com/", "a URI as"},
		"user principal name":   {name, "subjectAltName=otherName:1.3.6.1.4.1.311.20.2.3;UTF8:admin@example.com", "a user principal name (UPN) as"},
		"other name":            {name, "subjectAltName=otherName:1.2.3.4;UTF8:admin", "an otherName as"},
		"directory name":        {name, "subjectAltName=dirName:dir", "a directory name as"},
		"registered identifier": {name, "subjectAltName=RID:1.2.3.4", "a registered identifier as"},
		"CA":                    {name, "basicConstraints=CA:TRUE", "asks for a CA certificate"},
		"CA with path length":   {name, "basicConstraints=CA:TRUE,pathlen:0", "asks for a CA certificate"},
		"path length only":      {name, "basicConstraints=CA:FALSE,pathlen:0", "asks for a CA certificate"},
		"keyCertSign":           {name, "keyUsage=digitalSignature,keyCertSign", "key usage of a CA"},
		"cRLSign":               {name, "keyUsage=cRLSign", "key usage of a CA"},
		"must-staple":           {name, "tlsfeature=status_request", "OCSP must-staple"},
		"policies":              {name, "certificatePolicies=1.2.3.4", "extension 2.5.29.32,"},
		"name constraints":      {name, "nameConstraints=permitted;DNS:example.com", "extension 2.5.29.30,"},
		"unknown extension":     {name, "1.2.3.4=ASN1:NULL", "extension 1.2.3.4,"},
		"common name no name":   {"CN=My Web Server", "subjectAltName=DNS:shop.example.com", `common name of the CSR cannot be certified: "My Web Server"`},
		"two common names":      {"0.CN=a.example.com\n1.CN=b.example.com", "", "more than one common name"},
		"underscore":            {"CN=a_b.example.com", "", "common name of the CSR cannot be certified"},
		"no names":              {"O=Example", "", "names nothing"},
		"address as DNS name":   {"", "subjectAltName=DNS:192.0.2.7", "address 192.0.2.7 as a DNS name"},
	} {
		t.Run(about, func(t *testing.T) {
			wantBadCSR(t, opensslCSR(t, key, c.subject, c.extensions), c.sentence)
		})
	}
}

// Keys and signatures that are not sound (STANDARDS O-16): badCSR, not badPublicKey, which is for accounts.
// Proves O-16, INC-108.
func TestParseCSRRefusesKeysAndSignatures(t *testing.T) {
	t.Parallel()
	other := newECDSA(t, elliptic.P256())
	rsaKey := newRSA(t, 2048)
	weak := opensslKey(t, "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024")
	flipped := made{subject: commonName(t, tags.UTF8String, "a.example.com")}.der(t)
	flipped[len(flipped)-1] ^= 1
	for about, c := range map[string]struct {
		der      []byte
		sentence string
	}{
		"RSA 1024":             {opensslCSRWithKey(t, weak, "CN=a.example.com", ""), "RSA key has 1024 bits"},
		"P-521":                {opensslCSR(t, newECDSA(t, elliptic.P521()), "CN=a.example.com", ""), "type of the key is not supported"},
		"secp256k1":            {opensslCSRWithKey(t, opensslKey(t, "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"), "CN=a.example.com", ""), "unsupported curve"},
		"Ed448":                {opensslCSRWithKey(t, opensslKey(t, "-algorithm", "ed448"), "CN=a.example.com", ""), "type of the key is not supported"},
		"SHA-1 with RSA":       {opensslCSR(t, rsaKey, "CN=a.example.com", "", "-sha1"), "SHA1-RSA, which is not secure"},
		"SHA-1 with ECDSA":     {opensslCSR(t, other, "CN=a.example.com", "", "-sha1"), "ECDSA-SHA1, which is not secure"},
		"MD5":                  {opensslCSR(t, rsaKey, "CN=a.example.com", "", "-md5"), "MD5-RSA, which is not secure"},
		"SHA3":                 {opensslCSR(t, rsaKey, "CN=a.example.com", "", "-sha3-256"), "signature algorithm of the CSR is not supported"},
		"signed by another":    {made{subject: commonName(t, tags.UTF8String, "a.example.com"), signer: other}.der(t), "does not verify"},
		"signature with a bit": {flipped, "does not verify"},
	} {
		t.Run(about, func(t *testing.T) { wantBadCSR(t, c.der, c.sentence) })
	}
}

// Octets that no honest tool makes.
// Proves O-16, INC-94, INC-96.
func TestParseCSRRefusesForms(t *testing.T) {
	t.Parallel()
	const name = "a.example.com"
	utf8Name := commonName(t, tags.UTF8String, name)
	good := made{subject: utf8Name}.der(t)
	dns := dnsName(t, name)
	san := extension(t, 17, element(t, tags.SEQUENCE, dns))
	mapped := append(bytes.Repeat([]byte{0}, 10), 0xff, 0xff, 192, 0, 2, 7)
	longForm := append([]byte{0x30, 0x83, 0}, good[2:]...) // a length in three octets where two are enough
	for about, c := range map[string]struct {
		der      []byte
		sentence string
	}{
		"nothing":                 {nil, "not DER"},
		"text":                    {[]byte("-----BEGIN CERTIFICATE REQUEST-----"), "without PEM lines"},
		"cut":                     {good[:len(good)-1], "not DER"},
		"followed by an octet":    {append(bytes.Clone(good), 0), "followed by 1 more octets"},
		"too long":                {make([]byte, pki.MaxCSR+1), "at most 32768"},
		"length not minimal":      {longForm, "not DER"},
		"length indefinite":       {append([]byte{0x30, 0x80}, good[4:]...), "not DER"},
		"inner length":            {made{attributes: []byte{0x30, 0x81, 0}}.der(t), "not in its only form"},
		"inner indefinite":        {made{attributes: []byte{0x30, 0x80, 0, 0}}.der(t), "not in its only form"},
		"boolean of 1":            {made{attributes: element(t, tags.SEQUENCE, []byte{1, 1, 1})}.der(t), "not in its only form"},
		"number with a zero":      {made{attributes: element(t, tags.SEQUENCE, []byte{2, 2, 0, 1})}.der(t), "not in its only form"},
		"deep":                    {made{attributes: deep(t, 40)}.der(t), "not in its only form"},
		"no request":              {element(t, tags.SEQUENCE, []byte{5, 0}), "not a PKCS #10"},
		"version 1":               {made{version: 1, subject: utf8Name}.der(t), "version 1;"},
		"version 2":               {made{version: 2, subject: utf8Name}.der(t), "version 2;"},
		"version -1":              {made{version: -1, subject: utf8Name}.der(t), "version -1;"},
		"attribute":               {made{subject: utf8Name, attributes: element(t, tags.SEQUENCE, []byte{5, 0})}.der(t), "attribute of the CSR is malformed"},
		"extension":               {made{subject: utf8Name, attributes: extensionRequest(t, []byte{5, 0})}.der(t), "extension in the CSR is malformed"},
		"extension twice":         {made{attributes: extensionRequest(t, san, san)}.der(t), "extension 2.5.29.17 twice"},
		"two extension requests":  {made{attributes: append(altNames(t, dns), altNames(t, dns)...)}.der(t), "in one attribute"},
		"two values":              {made{attributes: twoValues(t)}.der(t), "in one attribute"},
		"alternative names":       {made{attributes: extensionRequest(t, extension(t, 17, []byte{5, 0}))}.der(t), "alternative names of the CSR are malformed"},
		"trailing in names":       {made{attributes: extensionRequest(t, extension(t, 17, append(element(t, tags.SEQUENCE, dns), 0)))}.der(t), "alternative names of the CSR are malformed"},
		"no alternative names":    {made{attributes: altNames(t)}.der(t), "names nothing"},
		"constructed DNS name":    {made{attributes: altNames(t, element(t, tags.Tag(2).ContextSpecific().Constructed(), dns))}.der(t), "unknown kind of name"},
		"address of 5 octets":     {made{attributes: altNames(t, ipName(t, 1, 2, 3, 4, 5))}.der(t), "4 octets of IPv4"},
		"mapped address":          {made{attributes: altNames(t, ipName(t, mapped...))}.der(t), "4 octets of IPv4"},
		"NUL in a DNS name":       {made{attributes: altNames(t, dnsName(t, "a.example.com\x00.evil.com"))}.der(t), "alternative name of the CSR contains a NUL"},
		"address with a zone":     {made{attributes: altNames(t, dnsName(t, "fe80::1%a\nb"))}.der(t), "alternative name of the CSR cannot be certified"},
		"NUL in the common name":  {made{subject: commonName(t, tags.UTF8String, "a.example.com\x00b")}.der(t), "common name of the CSR contains a NUL"},
		"empty common name":       {made{subject: commonName(t, tags.UTF8String, "")}.der(t), "common name of the CSR is empty"},
		"common name of 65":       {made{subject: commonName(t, tags.UTF8String, strings.Repeat("a", 53)+".example.com")}.der(t), "more than 64 characters"},
		"common name of a number": {made{subject: commonName(t, tags.INTEGER, "\x01")}.der(t), "not a text"},
		"DNS name of 254":         {made{attributes: altNames(t, dnsName(t, strings.Repeat("a.", 121)+"example.com."))}.der(t), "longer than 253"},
		"basic constraints":       {made{subject: utf8Name, attributes: extensionRequest(t, extension(t, 19, []byte{5, 0}))}.der(t), "basic constraints in the CSR are malformed"},
		"key usage":               {made{subject: utf8Name, attributes: extensionRequest(t, extension(t, 15, []byte{5, 0}))}.der(t), "key usage in the CSR is malformed"},
		"extended usage, no list": {made{subject: utf8Name, attributes: extensionRequest(t, extension(t, 37, []byte{5, 0}))}.der(t), "extended key usage in the CSR is malformed"},
		"extended key usage":      {made{subject: utf8Name, attributes: extensionRequest(t, extension(t, 37, []byte{0x30, 2, 5, 0}))}.der(t), "extended key usage in the CSR is malformed"},
	} {
		t.Run(about, func(t *testing.T) { wantBadCSR(t, c.der, c.sentence) })
	}
}

// The longest common name, and one in UTF-16, are names like others.
func TestParseCSRCommonNameForms(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("a", 52) + ".example.com"
	var utf16 string
	for _, c := range "a.example.com" {
		utf16 += "\x00" + string(c)
	}
	for want, subject := range map[string][]byte{
		"dns:" + longest:    commonName(t, tags.PrintableString, longest),
		"dns:a.example.com": commonName(t, tags.Tag(30), utf16),
	} {
		csr, err := pki.ParseCSR(made{subject: subject}.der(t))
		if err != nil {
			t.Fatal(err)
		}
		checkCSR(t, csr, madeKey().Public(), want)
	}
}

func wantBadCSR(t *testing.T, der []byte, sentence string) {
	t.Helper()
	_, err := pki.ParseCSR(der)
	if !fault.Is(err, fault.BadCSR) || !strings.Contains(fault.Sentence(err), sentence) {
		t.Errorf("%v; want a refusal with %q", err, sentence)
	}
	if len(fault.Sentence(err)) > 500 {
		t.Errorf("the sentence has %d octets", len(fault.Sentence(err)))
	}
}

func deep(t *testing.T, levels int) []byte {
	t.Helper()
	der := []byte{5, 0}
	for range levels {
		der = element(t, tags.SEQUENCE, der)
	}
	return der
}

func twoValues(t *testing.T) []byte {
	t.Helper()
	attribute := cryptobyte.String(altNames(t, dnsName(t, "a.example.com")))
	var content, id, values cryptobyte.String
	if !attribute.ReadASN1(&content, tags.SEQUENCE) || !content.ReadASN1Element(&id, tags.OBJECT_IDENTIFIER) || !content.ReadASN1(&values, tags.SET) {
		t.Fatal("no attribute")
	}
	return element(t, tags.SEQUENCE, id, element(t, tags.SET, values, values))
}

// The set of a request against the set of an order (STANDARDS O-15).
// Proves O-15.
func TestCheckCSR(t *testing.T) {
	t.Parallel()
	key := newECDSA(t, elliptic.P256())
	csr, err := pki.ParseCSR(opensslCSR(t, key, "CN=b.example.com", "subjectAltName=DNS:A.example.com,DNS:b.example.com,IP:192.0.2.7"))
	if err != nil {
		t.Fatal(err)
	}
	for ordered, sentence := range map[string]string{
		"a.example.com b.example.com 192.0.2.7":               "",
		"192.0.2.7 b.example.com a.example.com b.example.com": "",
		"a.example.com b.example.com":                         "The CSR has names that are not in the order: 192.0.2.7.",
		"a.example.com b.example.com 192.0.2.7 192.0.2.8":     "The CSR lacks names of the order: 192.0.2.8.",
		"a.example.com *.b.example.com 192.0.2.7":             "The CSR does not name what was ordered: *.b.example.com missing, and b.example.com not in the order.",
		"": "The CSR has names that are not in the order: a.example.com, b.example.com, 192.0.2.7.",
	} {
		var order []ident.Identifier
		for _, name := range strings.Fields(ordered) {
			order = append(order, parseIdent(t, name))
		}
		before := strings.Join(strings.Fields(ordered), " ")
		err := pki.CheckCSR(csr, order, pki.DefaultSpec("default"))
		if fault.Sentence(err) != sentence || err != nil && !fault.Is(err, fault.BadCSR) {
			t.Errorf("%q: %v, want %q", ordered, err, sentence)
		}
		var after []string
		for _, id := range order {
			after = append(after, id.Value())
		}
		if before != strings.Join(after, " ") {
			t.Errorf("the order was changed from %q to %q", before, after)
		}
	}
	err = pki.CheckCSR(csr, csr.Names, pki.Spec{Keys: []pki.KeyType{pki.RSA}})
	if want := "Keys of type ecdsa-p256 are not accepted here; use one of: rsa."; !fault.Is(err, fault.BadCSR) || fault.Sentence(err) != want {
		t.Errorf("%v, want %q", err, want)
	}
}

// A sentence about a hundred names stays a sentence.
func TestCheckCSRManyNames(t *testing.T) {
	t.Parallel()
	var names [][]byte
	for i := range 100 {
		names = append(names, dnsName(t, strings.Repeat(string(rune('a'+i%26)), 1+i/26)+".example.com"))
	}
	csr, err := pki.ParseCSR(made{attributes: altNames(t, names...)}.der(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(csr.Names) != 100 {
		t.Fatalf("%d names", len(csr.Names))
	}
	if text := fault.Sentence(pki.CheckCSR(csr, nil, pki.DefaultSpec("default"))); !strings.HasSuffix(text, " and more.") || len(text) > 400 {
		t.Error(text)
	}
}

// Proves INC-94.
func FuzzParseCSR(f *testing.F) {
	f.Add(made{subject: commonName(f, tags.UTF8String, "a.example.com")}.der(f))
	f.Add(made{attributes: altNames(f, dnsName(f, "a.example.com"), ipName(f, 192, 0, 2, 7))}.der(f))
	f.Add([]byte{0x30, 0x80})
	f.Fuzz(func(t *testing.T, der []byte) { checkParsed(t, der) })
}

// The parts that carry names and wishes, in a request whose signature is sound.
func FuzzParseCSRParts(f *testing.F) {
	f.Add(commonName(f, tags.UTF8String, "a.example.com"), altNames(f, dnsName(f, "*.example.com"), ipName(f, 192, 0, 2, 7)))
	f.Add([]byte{}, extensionRequest(f, extension(f, 19, []byte{0x30, 3, 1, 1, 0xff}), extension(f, 15, []byte{3, 2, 2, 4})))
	f.Add([]byte{}, extensionRequest(f, extension(f, 37, []byte{0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1})))
	f.Fuzz(func(t *testing.T, subject, attributes []byte) {
		if len(subject)+len(attributes) <= pki.MaxCSR {
			checkParsed(t, made{subject: subject, attributes: attributes}.der(t))
		}
	})
}

func checkParsed(t *testing.T, der []byte) {
	csr, err := pki.ParseCSR(der)
	if err != nil {
		if !fault.Is(err, fault.BadCSR) || fault.Sentence(err) == "" {
			t.Errorf("refused without a reason: %v", err)
		}
		return
	}
	names := csr.Names
	if len(names) == 0 {
		t.Error("accepted without a name")
	}
	for _, id := range names {
		if again, err := ident.Parse(string(id.Type()), id.Value()); err != nil || again != id {
			t.Errorf("%q is not canonical: %v", id, err)
		}
	}
	if err := pki.CheckCSR(csr, names, pki.Spec{Keys: pki.SubjectKeyTypes(), Usages: csr.Usages}); err != nil {
		t.Errorf("does not fit its own names: %v", err)
	}
}

func BenchmarkParseCSR(b *testing.B) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	der := opensslCSR(b, key, "", "subjectAltName=DNS:a.example.com,DNS:b.example.com")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := pki.ParseCSR(der); err != nil {
			b.Fatal(err)
		}
	}
}
