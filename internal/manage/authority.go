package manage

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// The lives of CA certificates that are made here. They begin a day back, so that a client whose clock is slow accepts
// them, and so that a leaf that begins before its signing still begins within its issuer.
const (
	rootLife         = 10 * 365 * 24 * time.Hour
	intermediateLife = 5 * 365 * 24 * time.Hour
	backdate         = 24 * time.Hour
)

// subject is the name of a CA certificate.
type subject struct {
	commonName   string
	organisation string
}

// tagForm is what ends the common names that are made here.
var tagForm = regexp.MustCompile(` [A-Z2-7]{6}$`)

// tagged ends the common name with six characters of the issuer's id: no two CAs have one name, which keeps apart what
// clients cache by name. The whole fits into the 64 characters of RFC 5280 (ub-common-name).
func (n subject) tagged(issuer string) subject {
	const most = 64 - 7
	base := tagForm.ReplaceAllString(n.commonName, "")
	if len(base) > most {
		base = strings.ToValidUTF8(base[:most], "")
	}
	n.commonName = strings.TrimSpace(base + " " + strings.ToUpper(issuer[len(issuer)-6:]))
	return n
}

// newRoot returns a root with its certificate, signed by its own key. It is not stored.
func (s *Service) newRoot(ctx context.Context, organisation string, name subject, key crypto.Signer, publicURL string) (pki.Issuer, error) {
	request, issuer, err := s.beginCA(organisation, Root, name, key, publicURL)
	if err != nil {
		return issuer, err
	}
	request.NotBefore, request.NotAfter = pki.CAWindow(s.now(), rootLife, backdate, time.Time{}, time.Time{})
	der, err := s.maker.SignRoot(ctx, request, key)
	if err != nil {
		return issuer, fmt.Errorf("make the root: %w", err)
	}
	return certified(issuer, der)
}

// intermediate is an issuer to be made below another one.
type intermediate struct {
	organisation string // id
	name         string // of the issuer
	subject      subject
	country      string
	kind         pki.KeyType
	usages       []pki.Usage
	policies     []pki.Policy
	constraints  pki.Constraints
	public       bool
	parent       pki.Issuer
	parentKey    crypto.Signer
}

// newIntermediate returns an issuer that the parent signed; its own key is in the keyring. It is not stored.
func (s *Service) newIntermediate(ctx context.Context, all []pki.Issuer, plan intermediate, publicURL string) (pki.Issuer, error) {
	keyName, key, err := s.issuerKey(all, plan.name, plan.kind)
	if err != nil {
		return pki.Issuer{}, fmt.Errorf("make the key of the issuer %s: %w", plan.name, err)
	}
	begun, issuer, err := s.beginCA(plan.organisation, plan.name, plan.subject, key, publicURL)
	if err != nil {
		return issuer, err
	}
	request := plan.request()
	request.CommonName, request.Organisation = begun.CommonName, begun.Organisation
	request.PublicKey, request.Serial = begun.PublicKey, begun.Serial
	issuer.Parent, issuer.Key = plan.parent.ID, keyName
	request.NotBefore, request.NotAfter = pki.CAWindow(s.now(), intermediateLife, backdate, plan.parent.NotBefore, plan.parent.NotAfter)
	request.IssuerURL = pki.IssuerURL(publicURL, plan.parent.ID)
	if plan.parent.Key != "" { // without it, nobody here can make the list
		request.CRLURL = plan.parent.Shard.URL
	}
	der, err := s.maker.SignIntermediate(ctx, request, plan.parent, plan.parentKey)
	if err != nil {
		return issuer, fmt.Errorf("make the issuer %s: %w", plan.name, err)
	}
	return certified(issuer, der)
}

// beginCA decides what the request for a CA certificate and the issuer's row have in common.
func (s *Service) beginCA(organisation, name string, n subject, key crypto.Signer, publicURL string) (pki.CARequest, pki.Issuer, error) {
	issuer, err := s.beginIssuer(organisation, name, publicURL)
	if err != nil {
		return pki.CARequest{}, issuer, err
	}
	var serial [pki.SerialBytes]byte
	if _, err := io.ReadFull(s.random, serial[:]); err != nil {
		return pki.CARequest{}, issuer, fmt.Errorf("make a serial number: %w", err)
	}
	n = n.tagged(issuer.ID)
	return pki.CARequest{
		CommonName: n.commonName, Organisation: n.organisation,
		PublicKey: key.Public(), Serial: pki.NewSerial(serial),
	}, issuer, nil
}

// beginIssuer returns a new issuer with its first shard, and without a certificate.
func (s *Service) beginIssuer(organisation, name, publicURL string) (pki.Issuer, error) {
	key, err := s.newID()
	return pki.Issuer{
		ID: key, Organisation: organisation, Name: name, Created: s.now(),
		Shard: pki.Shard{Number: 1, URL: pki.ShardURL(publicURL, key, 1)}, Room: pki.ShardRoom,
	}, err
}

// certified returns the issuer with its certificate.
func certified(i pki.Issuer, der []byte) (pki.Issuer, error) {
	i.Certificate = der
	certificate, err := i.Parse()
	if err != nil {
		return i, err
	}
	i.NotBefore, i.NotAfter = certificate.NotBefore.UTC(), certificate.NotAfter.UTC()
	return i, nil
}

// addIssuer stores an issuer that is complete.
func (s *Service) addIssuer(ctx context.Context, by Actor, i pki.Issuer) error {
	e, err := s.happening(by, event.IssuerCreated, i.Organisation, i.ID, fmt.Sprintf("%s until %s", i.Name, i.NotAfter.Format(time.DateOnly)))
	if err != nil {
		return err
	}
	return s.store.CreateIssuer(ctx, i, e)
}

// issuerKey returns a key of the keyring for a new issuer of a name, and its name there: NAME-1, NAME-2 and so on. It
// takes up a key that no issuer has, which a crash left between the making of a key and of its issuer.
func (s *Service) issuerKey(all []pki.Issuer, name string, kind pki.KeyType) (string, crypto.Signer, error) {
	names, err := s.keys.Names()
	if err != nil {
		return "", nil, err
	}
	for n := 1; n <= len(all)+len(names)+1; n++ {
		candidate := fmt.Sprintf("%s-%d", name, n)
		if slices.ContainsFunc(all, func(i pki.Issuer) bool { return i.Key == candidate }) {
			continue
		}
		if !slices.Contains(names, candidate) {
			key, err := s.keys.Generate(candidate, kind)
			return candidate, key, err
		}
		key, err := s.keys.Load(candidate)
		if err != nil || keyType(key.Public()) == kind {
			return candidate, key, err
		}
	}
	return "", nil, fmt.Errorf("no free name for a key of the issuer %s", name)
}

// looseKey makes a key that is kept nowhere.
func (s *Service) looseKey(kind pki.KeyType) (crypto.Signer, error) {
	switch kind {
	case pki.ECDSAP384:
		return ecdsa.GenerateKey(elliptic.P384(), s.random)
	case pki.RSA2048:
		return rsa.GenerateKey(s.random, 2048)
	case pki.RSA3072:
		return rsa.GenerateKey(s.random, 3072)
	case pki.RSA4096:
		return rsa.GenerateKey(s.random, 4096)
	default:
		return ecdsa.GenerateKey(elliptic.P256(), s.random)
	}
}

// keyType returns the class of an issuer's key, with the size of RSA: the class of which a successor's key is made.
func keyType(public crypto.PublicKey) pki.KeyType {
	key, isRSA := public.(*rsa.PublicKey)
	switch {
	case !isRSA:
		return pki.KeyTypeOf(public)
	case key.N.BitLen() > 3072:
		return pki.RSA4096
	case key.N.BitLen() > 2048:
		return pki.RSA3072
	default:
		return pki.RSA2048
	}
}
