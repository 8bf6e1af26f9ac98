package manage

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"fmt"
	"io"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// Cross asks for a cross-certificate.
type Cross struct {
	By        string // name or id of the issuer that signs it
	Name      string // of the cross-certificate; "": that of the CA with "-cross"
	ParentKey ParentKey
}

// CrossSign makes another certificate for the name and key of an issuer, signed by another CA of the installation, so that
// whoever trusts that one can trust the issuer's leaves: they are served with it as an alternate chain. It signs nothing
// itself. Errors: NotFound; Malformed for a circle; Conflict when the other cannot sign it.
func (s *Service) CrossSign(ctx context.Context, by Actor, ref string, c Cross) (IssuerView, error) {
	subject, err := s.Issuer(ctx, ref)
	if err != nil {
		return IssuerView{}, err
	}
	parent, err := s.Issuer(ctx, c.By)
	if err != nil {
		return IssuerView{}, err
	}
	certificate, err := subject.Parse()
	if err != nil {
		return IssuerView{}, err
	}
	if err := notAbove(certificate, parent); err != nil {
		return IssuerView{}, err
	}
	key, err := s.signingKey(parent.Issuer, c.ParentKey, fmt.Sprintf("everleaf ca cross %s --by %s", ref, c.By))
	if err != nil {
		return IssuerView{}, err
	}
	request, row, err := s.beginCross(ctx, subject.Issuer, certificate, parent.Issuer, cmp.Or(c.Name, subject.Name+"-cross"))
	if err != nil {
		return IssuerView{}, err
	}
	der, err := s.maker.SignIntermediate(ctx, request, parent.Issuer, key)
	if err != nil {
		return IssuerView{}, err
	}
	return s.addCross(ctx, by, row, der)
}

// notAbove refuses a signer that is the CA itself or stands below it: the chain would be a circle.
func notAbove(certificate *x509.Certificate, signer IssuerView) error {
	for _, der := range signer.Chain {
		above, err := x509.ParseCertificate(der)
		if err != nil {
			return fmt.Errorf("chain of issuer %s: %w", signer.ID, err)
		}
		if sameCA(certificate, above) {
			return fault.New(fault.Malformed, "%q is the CA itself or stands below it; name a CA that does not depend on it with --by.", signer.Name)
		}
	}
	return nil
}

// sameCA reports whether two certificates are of one CA: of one name and key.
func sameCA(a, b *x509.Certificate) bool {
	return bytes.Equal(a.RawSubject, b.RawSubject) && bytes.Equal(a.RawSubjectPublicKeyInfo, b.RawSubjectPublicKeyInfo)
}

// beginCross decides what is in a cross-certificate and in its row. The usages are those of the certificate beside it, or
// those of TLS where that one, a root, has none: the root programs want them (INCIDENTS 11).
func (s *Service) beginCross(ctx context.Context, subject pki.Issuer, beside *x509.Certificate, parent pki.Issuer, name string) (pki.CARequest, pki.Issuer, error) {
	if err := checkName("an issuer", name); err != nil {
		return pki.CARequest{}, pki.Issuer{}, err
	}
	base, err := s.PublicURL(ctx)
	if err != nil {
		return pki.CARequest{}, pki.Issuer{}, err
	}
	row, err := s.beginIssuer(subject.Organisation, name, base)
	if err != nil {
		return pki.CARequest{}, row, err
	}
	row.Parent = parent.ID
	var serial [pki.SerialBytes]byte
	if _, err := io.ReadFull(s.random, serial[:]); err != nil {
		return pki.CARequest{}, row, fmt.Errorf("make a serial number: %w", err)
	}
	request := intermediate{}.like(beside).request()
	request.Beside, request.PublicKey, request.Serial = beside, beside.PublicKey, pki.NewSerial(serial)
	request.NotBefore, request.NotAfter = pki.CAWindow(s.now(), intermediateLife, backdate, parent.NotBefore, parent.NotAfter)
	request.IssuerURL = pki.IssuerURL(base, parent.ID)
	if parent.Key != "" {
		request.CRLURL = parent.Shard.URL
	}
	if len(request.Usages) == 0 {
		request.Usages = []pki.Usage{pki.ServerAuth, pki.ClientAuth}
	}
	return request, row, nil
}

func (s *Service) addCross(ctx context.Context, by Actor, row pki.Issuer, der []byte) (IssuerView, error) {
	row, err := certified(row, der)
	if err != nil {
		return IssuerView{}, err
	}
	if err := s.addIssuer(ctx, by, row); err != nil {
		return IssuerView{}, err
	}
	return s.Issuer(ctx, row.ID)
}

// ImportCross brings a cross-certificate that was made elsewhere for a CA of this installation: in PEM, with those above
// it, the root last. Errors: Malformed with everything that is wrong; NotFound when no CA here has its name and key;
// Conflict when it is here already.
func (s *Service) ImportCross(ctx context.Context, by Actor, name string, chain []byte) (IssuerView, error) {
	certificates, err := parseChain(chain)
	if err != nil {
		return IssuerView{}, err
	}
	all, err := s.store.Issuers(ctx)
	if err != nil {
		return IssuerView{}, err
	}
	subject, beside, err := ownerOf(all, certificates[0])
	if err != nil {
		return IssuerView{}, err
	}
	if known, found := byCertificate(all, subject.Organisation, certificates[0].Raw); found {
		return IssuerView{}, fault.New(fault.Conflict, "This CA certificate is here already: issuer %s, named %q.", known.ID, known.Name)
	}
	below := 0
	if subject.IsRoot() {
		below = 1
	}
	if err := verifyChain(certificates, beside.PublicKey, below, s.now()); err != nil {
		return IssuerView{}, err
	}
	name = cmp.Or(name, subject.Name+"-cross")
	if err := checkName("an issuer", name); err != nil {
		return IssuerView{}, err
	}
	base, err := s.PublicURL(ctx)
	if err != nil {
		return IssuerView{}, err
	}
	parent, err := s.importParents(ctx, by, all, subject.Organisation, certificates[1:], base)
	if err != nil {
		return IssuerView{}, err
	}
	row, err := s.addImported(ctx, by, pki.Issuer{Organisation: subject.Organisation, Name: name, Parent: parent}, certificates[0].Raw, base)
	if err != nil {
		return IssuerView{}, err
	}
	return s.Issuer(ctx, row.ID)
}

// ownerOf returns the issuer whose CA a certificate is for, and its certificate.
func ownerOf(all []pki.Issuer, certificate *x509.Certificate) (pki.Issuer, *x509.Certificate, error) {
	for _, i := range all {
		own, err := i.Parse()
		if err != nil {
			return pki.Issuer{}, nil, err
		}
		if i.Key != "" && sameCA(own, certificate) {
			return i, own, nil
		}
	}
	return pki.Issuer{}, nil, fault.New(fault.NotFound, "No CA with its key on this machine has the name and key of %q; a cross-certificate is another certificate of one that is here. "+
		"Bring a CA with its key instead: `everleaf ca import --chain FILE --key FILE`.", certificate.Subject)
}
