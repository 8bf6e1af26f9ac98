package pki

import (
	"crypto"
	"crypto/x509"
	"slices"
	"strings"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
)

// Limits of certificate requests.
const (
	MaxCSR        = 32 << 10 // octets of DER; a request with 100 names needs about 4 KiB
	maxCommonName = 64       // characters, ub-common-name of RFC 5280 appendix A.1
	maxDepth      = 16       // nesting of DER; a request that names nothing strange needs 8
)

// CSR is what a certificate request may tell us: a key, whose possession its signature proves, and names. Everything
// else that a certificate says comes from the profile.
type CSR struct {
	PublicKey crypto.PublicKey
	KeyHash   KeyHash
	// Names is a set: the common name and the subject alternative names together, since RFC 8555 section 7.4 lets a name
	// stand in either or in both.
	Names []ident.Identifier
	// Subject is what else the subject says. A profile decides whether it counts.
	Subject []Attribute
	// Usages are the extended key usages that it asks for besides those of TLS, which clients ask for out of habit.
	Usages []Usage
}

// ParseCSR reads a PKCS #10 request. It refuses, as BadCSR with a sentence, whatever is not exactly such a request in
// DER, asks for more than names and harmless usages, has an unsound key (see CheckKey) or is not signed by it with
// SHA-2 or Ed25519.
func ParseCSR(der []byte) (*CSR, error) {
	extensions, err := readRequest(der)
	if err != nil {
		return nil, err
	}
	names, usages, err := requested(extensions)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, fault.Wrap(err, fault.BadCSR, "The CSR cannot be read: its subject or key is malformed, or the key is on an unsupported curve.")
	}
	// The key comes before the signature: verifying with a huge modulus takes seconds.
	if err := asBadCSR(CheckKey(parsed.PublicKey, SubjectKeyTypes())); err != nil {
		return nil, err
	}
	if err := checkSignature(parsed); err != nil {
		return nil, err
	}
	common, err := commonNames(parsed)
	if err != nil {
		return nil, err
	}
	names = ident.Set(append(names, common...))
	if len(names) == 0 {
		return nil, badCSR("The CSR names nothing; put the names into the subject alternative names.")
	}
	return &CSR{
		PublicKey: parsed.PublicKey, KeyHash: HashKey(parsed.RawSubjectPublicKeyInfo), Names: names, Subject: attributes(parsed.Subject), Usages: usages,
	}, nil
}

// CheckCSR decides whether a request fits an order and its profile: its names are exactly those ordered, and the profile
// accepts the type of its key and gives the extended key usages that it asks for. Errors are BadCSR.
func CheckCSR(csr *CSR, ordered []ident.Identifier, spec Spec) error {
	want := ident.Set(slices.Clone(ordered))
	missing := without(want, csr.Names)
	extra := without(csr.Names, want)
	switch {
	case len(missing) > 0 && len(extra) > 0:
		return badCSR("The CSR does not name what was ordered: %s missing, and %s not in the order.", list(missing), list(extra))
	case len(missing) > 0:
		return badCSR("The CSR lacks names of the order: %s.", list(missing))
	case len(extra) > 0:
		return badCSR("The CSR has names that are not in the order: %s.", list(extra))
	}
	for _, usage := range csr.Usages {
		if !slices.Contains(spec.Usages, usage) {
			return badCSR("The CSR asks for the extended key usage %s, which this profile does not give; request it without.", usage)
		}
	}
	return asBadCSR(checkKeyType(csr.PublicKey, spec.Keys))
}

// asBadCSR gives a refused key the kind that a certificate request wants: badPublicKey is for keys of accounts
// (RFC 8555 section 6.7).
func asBadCSR(err error) error {
	if err == nil {
		return nil
	}
	return badCSR("%s", fault.Sentence(err))
}

func checkSignature(request *x509.CertificateRequest) error {
	switch request.SignatureAlgorithm {
	case x509.SHA256WithRSA, x509.SHA384WithRSA, x509.SHA512WithRSA,
		x509.SHA256WithRSAPSS, x509.SHA384WithRSAPSS, x509.SHA512WithRSAPSS,
		x509.ECDSAWithSHA256, x509.ECDSAWithSHA384, x509.ECDSAWithSHA512, x509.PureEd25519:
	case x509.UnknownSignatureAlgorithm:
		return badCSR("The signature algorithm of the CSR is not supported; sign it with SHA-256.")
	default:
		return badCSR("The CSR is signed with %s, which is not secure; sign it with SHA-256.", request.SignatureAlgorithm)
	}
	if err := request.CheckSignature(); err != nil {
		return fault.Wrap(err, fault.BadCSR, "The signature of the CSR does not verify under the key in it.")
	}
	return nil
}

// without returns what of a is not in b.
func without(a, b []ident.Identifier) []ident.Identifier {
	var rest []ident.Identifier
	for _, id := range a {
		if _, found := slices.BinarySearchFunc(b, id, ident.Compare); !found {
			rest = append(rest, id)
		}
	}
	return rest
}

// list writes the first names, so that the sentence stays short.
func list(ids []ident.Identifier) string {
	const most = 10
	var b strings.Builder
	for i, id := range ids {
		if i == most {
			b.WriteString(" and more")
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(id.Value())
	}
	return b.String()
}

func badCSR(format string, args ...any) error { return fault.New(fault.BadCSR, format, args...) }
