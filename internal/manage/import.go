package manage

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"slices"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// maxImport bounds a chain in PEM, in octets.
const maxImport = 128 << 10

// Import is an existing CA.
type Import struct {
	Name       string // of the issuer; "": Root for a root, else Default
	Chain      []byte // PEM: the issuer first, each signed by the next, the root last
	Key        []byte // PEM: the issuer's private key
	Passphrase []byte // of Key, when it is encrypted
}

// ImportIssuer brings an existing CA into an organisation ("": the default one). From then on it is the newest issuer
// of its name, and signs. The CA certificates above it are stored without keys. Bringing the same again is a Conflict.
// Errors: Malformed with everything that is wrong; NotFound for the organisation.
func (s *Service) ImportIssuer(ctx context.Context, by Actor, organisation string, i Import) (IssuerView, error) {
	o, err := s.organisation(ctx, organisation)
	if err != nil {
		return IssuerView{}, err
	}
	base, err := s.PublicURL(ctx)
	if err != nil {
		return IssuerView{}, err
	}
	b, err := i.read(s.keys.Parse, false, s.now())
	if err != nil {
		return IssuerView{}, err
	}
	issuer, err := s.importIssuer(ctx, by, o.ID, b, base)
	if err != nil {
		return IssuerView{}, err
	}
	return s.Issuer(ctx, issuer.ID)
}

// brought is an import that was read and found good.
type brought struct {
	name         string
	certificates []*x509.Certificate // the issuer's first, the root last
	key          crypto.Signer
}

// read decides everything about an import that needs no database. MakesIssuer says that a root gets an issuer below it.
func (i Import) read(parse func(text, passphrase []byte) (crypto.Signer, error), makesIssuer bool, now time.Time) (brought, error) {
	certificates, err := parseChain(i.Chain)
	if err != nil {
		return brought{}, err
	}
	key, err := parse(i.Key, i.Passphrase)
	if err != nil {
		return brought{}, err
	}
	below := 0
	if makesIssuer && len(certificates) == 1 && bytes.Equal(certificates[0].RawIssuer, certificates[0].RawSubject) {
		below = 1
	}
	if err := verifyChain(certificates, key.Public(), below, now); err != nil {
		return brought{}, err
	}
	if i.Name == "" {
		i.Name = nameOf(certificates)
	}
	return brought{i.Name, certificates, key}, checkName("an issuer", i.Name)
}

// importIssuer stores an import. The key comes first: whatever it meets, no row is made that names a key which is not there.
func (s *Service) importIssuer(ctx context.Context, by Actor, organisation string, b brought, publicURL string) (pki.Issuer, error) {
	all, err := s.store.Issuers(ctx)
	if err != nil {
		return pki.Issuer{}, err
	}
	if known, found := byCertificate(all, organisation, b.certificates[0].Raw); found {
		return pki.Issuer{}, fault.New(fault.Conflict, "This CA certificate is here already: issuer %s, named %q.", known.ID, known.Name)
	}
	keyName, err := s.importKey(b.key)
	if err != nil {
		return pki.Issuer{}, err
	}
	parent, err := s.importParents(ctx, by, all, organisation, b.certificates[1:], publicURL)
	if err != nil {
		return pki.Issuer{}, err
	}
	return s.addImported(ctx, by, pki.Issuer{Organisation: organisation, Name: b.name, Parent: parent, Key: keyName}, b.certificates[0].Raw, publicURL)
}

// nameOf returns the name of an imported issuer that got none.
func nameOf(certificates []*x509.Certificate) string {
	if len(certificates) == 1 {
		return Root
	}
	return Default
}

// parseChain reads certificates in PEM. Error: Malformed.
func parseChain(text []byte) ([]*x509.Certificate, error) {
	if len(text) > maxImport {
		return nil, fault.New(fault.Malformed, "The chain has more than %d octets; that is too much for a CA.", maxImport)
	}
	var certificates []*x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			return nil, fault.New(fault.Malformed, "The chain has a PEM block of type %q; give certificates only, and the key by itself.", clip(block.Type))
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fault.Wrap(err, fault.Malformed, "Certificate %d of the chain cannot be read.", len(certificates)+1)
		}
		certificates = append(certificates, certificate)
	}
	switch {
	case len(certificates) == 0:
		return nil, fault.New(fault.Malformed, "The chain has no certificate in PEM; one in DER is converted with: openssl x509 -inform DER -in OLD -out NEW")
	case len(certificates) > maxDepth:
		return nil, fault.New(fault.Malformed, "The chain has %d certificates; give 1 to %d, the issuer first, the root last.", len(certificates), maxDepth)
	}
	return certificates, nil
}

// verifyChain decides whether the first certificate may sign with the key, and each is signed by the next, the last by
// itself. Below is the number of CA certificates that will stand between the first and the leaves.
func verifyChain(certificates []*x509.Certificate, key crypto.PublicKey, below int, now time.Time) error {
	owner := slices.IndexFunc(certificates, func(c *x509.Certificate) bool { return pki.OwnsKey(c, key) })
	if owner > 0 {
		return fault.New(fault.Malformed, "The private key does not belong to the first certificate of the chain but to number %d, %q. "+
			"The certificate of the key comes first, after it the one that signed it, and the root last.", owner+1, certificates[owner].Subject)
	}
	for n, c := range certificates {
		var parent *x509.Certificate
		if n+1 < len(certificates) {
			parent = certificates[n+1]
		}
		if n > 0 {
			key = c.PublicKey // only the first has to sign here
		}
		if err := pki.VerifyCA(c, key, parent, below+n, now); err != nil {
			return err
		}
	}
	return nil
}

// importParents stores the CA certificates above an imported issuer, the root first, and returns the id of the lowest.
func (s *Service) importParents(ctx context.Context, by Actor, all []pki.Issuer, organisation string, above []*x509.Certificate, publicURL string) (string, error) {
	parent := ""
	for n, c := range slices.Backward(above) {
		if known, found := byCertificate(all, organisation, c.Raw); found {
			parent = known.ID
			continue
		}
		name := "parent"
		if n == len(above)-1 {
			name = Root
		}
		i, err := s.addImported(ctx, by, pki.Issuer{Organisation: organisation, Name: name, Parent: parent}, c.Raw, publicURL)
		if err != nil {
			return "", err
		}
		parent = i.ID
	}
	return parent, nil
}

func (s *Service) addImported(ctx context.Context, by Actor, i pki.Issuer, der []byte, publicURL string) (pki.Issuer, error) {
	row, err := s.beginIssuer(i.Organisation, i.Name, publicURL)
	if err != nil {
		return row, err
	}
	row.Parent, row.Key = i.Parent, i.Key
	if row, err = certified(row, der); err != nil {
		return row, err
	}
	return row, s.addIssuer(ctx, by, row)
}

// importKey keeps the key under a name made from its public half: a second try finds what a crash left.
func (s *Service) importKey(key crypto.Signer) (string, error) {
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return "", fmt.Errorf("name the imported key: %w", err)
	}
	hash := pki.HashKey(spki)
	name := "imported-" + hex.EncodeToString(hash[:8])
	names, err := s.keys.Names()
	if err != nil || slices.Contains(names, name) {
		return name, err
	}
	return name, s.keys.Import(name, key)
}

func byCertificate(all []pki.Issuer, organisation string, der []byte) (pki.Issuer, bool) {
	i := slices.IndexFunc(all, func(i pki.Issuer) bool {
		return i.Organisation == organisation && bytes.Equal(i.Certificate, der)
	})
	if i < 0 {
		return pki.Issuer{}, false
	}
	return all[i], true
}
