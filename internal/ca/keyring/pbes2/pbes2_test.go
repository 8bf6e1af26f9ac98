package pbes2_test

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/ca/keyring/pbes2"
)

const (
	few   = 1000      // rounds, for tests that look at something else
	roomy = 1_000_000 // a bound that everything in these tests keeps
)

func TestRoundTrip(t *testing.T) {
	for _, size := range []int{0, 1, 15, 16, 17, 2400} {
		plain := bytes.Repeat([]byte{0x10}, size) // looks like padding
		der, err := pbes2.Encrypt(plain, []byte("correct horse"), few)
		if err != nil {
			t.Fatal(err)
		}
		got, err := pbes2.Decrypt(der, []byte("correct horse"), few)
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%d octets: got %x, %v", size, got, err)
		}
	}
}

func TestEncryptWritesOneForm(t *testing.T) {
	var written [2]parsed
	for i := range written {
		der, err := pbes2.Encrypt([]byte("secret"), []byte("correct horse"), few)
		if err != nil {
			t.Fatal(err)
		}
		written[i] = parse(t, der)
	}
	first, second := written[0], written[1]
	if first.kdf.Iterations != few || len(first.kdf.Salt) != 16 || len(first.iv) != 16 {
		t.Errorf("got %+v", first)
	}
	if got := first.kdf.PRF.Algorithm.String(); got != "1.2.840.113549.2.9" {
		t.Errorf("pseudo-random function %s, want HMAC-SHA-256", got)
	}
	if got := first.scheme.Encryption.Algorithm.String(); got != "2.16.840.1.101.3.4.1.42" {
		t.Errorf("cipher %s, want AES-256-CBC", got)
	}
	if bytes.Equal(first.kdf.Salt, second.kdf.Salt) || bytes.Equal(first.iv, second.iv) {
		t.Error("two encryptions share their salt or initialisation vector")
	}
}

func TestDecryptReadsOpenSSL(t *testing.T) {
	plain, err := pbes2.Decrypt(cheap(t), []byte("correct horse"), 2)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x509.ParsePKCS8PrivateKey(plain); err != nil {
		t.Error(err)
	}
}

func TestEncryptWantsAPassphrase(t *testing.T) {
	if _, err := pbes2.Encrypt([]byte("secret"), nil, few); err == nil {
		t.Error("no error")
	}
}

// A wrong passphrase passes the padding once in 256 times: of 40, some and nearly all are caught.
func TestDecryptWithAWrongPassphrase(t *testing.T) {
	der := cheap(t)
	caught := 0
	for i := range 40 {
		_, err := pbes2.Decrypt(der, []byte{byte(i)}, roomy)
		switch {
		case errors.Is(err, pbes2.ErrPassphrase):
			caught++
		case err != nil:
			t.Fatal(err)
		}
	}
	if caught < 35 {
		t.Errorf("the padding caught %d of 40", caught)
	}
}

func TestDecryptRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(*parsed)
		want   error
	}{
		{"PBES1", func(p *parsed) { p.info.Algorithm.Algorithm[6] = 10 }, pbes2.ErrUnsupported},
		{"scrypt", func(p *parsed) { p.scheme.Derivation.Algorithm = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11} }, pbes2.ErrUnsupported},
		{"triple DES", func(p *parsed) { p.scheme.Encryption.Algorithm = asn1.ObjectIdentifier{1, 2, 840, 113549, 3, 7} }, pbes2.ErrUnsupported},
		{"AES-256-GCM", func(p *parsed) { p.scheme.Encryption.Algorithm[8] = 46 }, pbes2.ErrUnsupported},
		{"HMAC-MD5", func(p *parsed) { p.kdf.PRF.Algorithm[5] = 6 }, pbes2.ErrUnsupported},
		{"endless derivation", func(p *parsed) { p.kdf.Iterations = roomy + 1 }, pbes2.ErrUnsupported},
		{"no derivation", func(p *parsed) { p.kdf.Iterations = 0 }, pbes2.ErrMalformed},
		{"negative derivation", func(p *parsed) { p.kdf.Iterations = -1 }, pbes2.ErrMalformed},
		{"key length of another cipher", func(p *parsed) { p.kdf.KeyLength = 16 }, pbes2.ErrMalformed},
		{"long salt", func(p *parsed) { p.kdf.Salt = make([]byte, 1025) }, pbes2.ErrMalformed},
		{"short initialisation vector", func(p *parsed) { p.iv = p.iv[:15] }, pbes2.ErrMalformed},
		{"no data", func(p *parsed) { p.info.Data = nil }, pbes2.ErrMalformed},
		{"half a block", func(p *parsed) { p.info.Data = p.info.Data[:24] }, pbes2.ErrMalformed},
		{"another key size", func(p *parsed) { p.scheme.Encryption.Algorithm[8] = 22 }, pbes2.ErrPassphrase},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := parse(t, cheap(t))
			test.change(&p)
			if _, err := pbes2.Decrypt(p.encode(t), []byte("correct horse"), roomy); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
	p := parse(t, cheap(t))
	p.scheme.Encryption.Algorithm = asn1.ObjectIdentifier{1, 2, 840, 113549, 3, 7}
	if _, err := pbes2.Decrypt(p.encode(t), []byte("correct horse"), roomy); err == nil || !strings.Contains(err.Error(), "cipher 1.2.840.113549.3.7 is not AES-CBC") {
		t.Errorf("the cipher is not named: %v", err)
	}
}

func TestDecryptRefusesWhatIsNoDER(t *testing.T) {
	der := cheap(t)
	for name, bad := range map[string][]byte{
		"nothing": nil, "cut off": der[:len(der)-1], "trailing byte": append(bytes.Clone(der), 0), "text": []byte("hello"),
	} {
		if _, err := pbes2.Decrypt(bad, []byte("correct horse"), roomy); !errors.Is(err, pbes2.ErrMalformed) {
			t.Errorf("%s: got %v, want ErrMalformed", name, err)
		}
	}
}

// FuzzDecrypt holds that hostile bytes end in one of the three errors, in bounded time.
func FuzzDecrypt(f *testing.F) {
	f.Add(cheap(f), []byte("correct horse"))
	f.Add(cheap(f), []byte("wrong"))
	f.Add([]byte{0x30, 0x80}, []byte("x"))
	f.Fuzz(func(t *testing.T, der, passphrase []byte) {
		_, err := pbes2.Decrypt(der, passphrase, 1000)
		known := errors.Is(err, pbes2.ErrPassphrase) || errors.Is(err, pbes2.ErrMalformed) || errors.Is(err, pbes2.ErrUnsupported)
		if err != nil && !known {
			t.Errorf("an error of no kind: %v", err)
		}
	})
}

// cheap is a P-256 key that openssl 3.0 put under "correct horse":
//
//	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 |
//	openssl pkcs8 -topk8 -v2 aes-256-cbc -iter 2 -passout 'pass:correct horse' -outform DER
func cheap(t testing.TB) []byte {
	t.Helper()
	der, err := hex.DecodeString(cheapDER)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

const cheapDER = "3081eb305606092a864886f70d01050d3049302806092a864886f70d01050c301b040861437797e332cb9c020102300c06082a86" +
	"4886f70d02090500301d060960864801650304012a041083712781fe0e60e24abd54ea124f17890481902d1f23ecc23f5e1e9e03" +
	"2e979f5eaf284ec09c0323a2d930fcb8210c8a988f00bb18483d5f97ba95fcce15745239e8c4a6bcb45f7976cf15eb7da9792383" +
	"cc1d8ad02b0d4e26407074c780cbd2c47b96754bb18cda9a7a8ecaba9a8d4f94f332bebba08580b8409996305c7ca76ce6741bd0" +
	"d8076e74314967bad30d029266d665ac6568ed86b45dc5cb110908e2cedf"

// parsed is a PBES2 encryption taken apart, independently of the package's own types.
type parsed struct {
	info struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	scheme struct{ Derivation, Encryption pkix.AlgorithmIdentifier }
	kdf    struct {
		Salt       []byte
		Iterations int
		KeyLength  int `asn1:"optional"`
		PRF        pkix.AlgorithmIdentifier
	}
	iv []byte
}

func parse(t *testing.T, der []byte) parsed {
	t.Helper()
	var p parsed
	unmarshal(t, der, &p.info)
	unmarshal(t, p.info.Algorithm.Parameters.FullBytes, &p.scheme)
	unmarshal(t, p.scheme.Derivation.Parameters.FullBytes, &p.kdf)
	unmarshal(t, p.scheme.Encryption.Parameters.FullBytes, &p.iv)
	return p
}

// encode puts p together again.
func (p *parsed) encode(t *testing.T) []byte {
	t.Helper()
	p.scheme.Encryption.Parameters = asn1.RawValue{FullBytes: marshal(t, p.iv)}
	p.scheme.Derivation.Parameters = asn1.RawValue{FullBytes: marshal(t, p.kdf)}
	p.info.Algorithm.Parameters = asn1.RawValue{FullBytes: marshal(t, p.scheme)}
	return marshal(t, p.info)
}

func marshal(t *testing.T, value any) []byte {
	t.Helper()
	der, err := asn1.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func unmarshal(t *testing.T, der []byte, value any) {
	t.Helper()
	if rest, err := asn1.Unmarshal(der, value); err != nil || len(rest) != 0 {
		t.Fatalf("%x: %v, rest %x", der, err, rest)
	}
}
