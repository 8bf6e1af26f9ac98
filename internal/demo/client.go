package demo

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/mholt/acmez/v3/acme"
)

// client obtains certificates for the site as any ACME client would.
type client struct {
	acme    acme.Client
	account acme.Account
	site    *site
	name    string
	profile string
}

// newClient makes an account. Only certificates under roots are believed.
func newClient(ctx context.Context, directory string, roots *x509.CertPool, s *site, name, profile string) (*client, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the account's key: %w", err)
	}
	c := &client{site: s, name: name, profile: profile, acme: acme.Client{
		Directory:  directory,
		HTTPClient: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}},
		UserAgent:  "everleaf-demo",
	}}
	c.account, err = c.acme.NewAccount(ctx, acme.Account{PrivateKey: key})
	return c, err
}

// obtain proves control of the name over http-01 and returns a certificate with a new key.
func (c *client) obtain(ctx context.Context, tell func(format string, args ...any)) (*tls.Certificate, error) {
	order, err := c.acme.NewOrder(ctx, c.account, acme.Order{
		Identifiers: []acme.Identifier{{Type: "dns", Value: c.name}}, Profile: c.profile,
	})
	if err != nil {
		return nil, fmt.Errorf("order: %w", err)
	}
	for _, url := range order.Authorizations {
		if err := c.authorize(ctx, url, tell); err != nil {
			return nil, err
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the certificate's key: %w", err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: []string{c.name}}, key)
	if err != nil {
		return nil, fmt.Errorf("make the certificate request: %w", err)
	}
	order, err = c.acme.FinalizeOrder(ctx, c.account, order, csr)
	if err != nil {
		return nil, fmt.Errorf("finalize: %w", err)
	}
	chains, err := c.acme.GetCertificateChain(ctx, c.account, order.Certificate)
	if err != nil {
		return nil, fmt.Errorf("download: %w", err)
	}
	if len(chains) == 0 {
		return nil, errors.New("download: no chain came")
	}
	return decode(chains[0].ChainPEM, key)
}

// authorize answers the http-01 challenge of an authorization, unless it is valid already.
func (c *client) authorize(ctx context.Context, url string, tell func(string, ...any)) error {
	authorization, err := c.acme.GetAuthorization(ctx, c.account, url)
	if err != nil {
		return fmt.Errorf("read the authorization: %w", err)
	}
	if authorization.Status == acme.StatusValid {
		tell("control of %s was proven before and still counts", c.name)
		return nil
	}
	for _, challenge := range authorization.Challenges {
		if challenge.Type != acme.ChallengeTypeHTTP01 {
			continue
		}
		remove := c.site.place(challenge.HTTP01ResourcePath(), challenge.KeyAuthorization)
		defer remove()
		tell("the CA asks for a proof; it is placed on the site (http-01)")
		answered, err := c.acme.InitiateChallenge(ctx, c.account, challenge)
		if err != nil {
			return fmt.Errorf("answer the challenge: %w", err)
		}
		if answered.Status != acme.StatusValid {
			if _, err := c.acme.PollAuthorization(ctx, c.account, authorization); err != nil {
				return fmt.Errorf("validation: %w", err)
			}
		}
		tell("the CA looked from outside and saw it")
		return nil
	}
	return errors.New("the CA offers no http-01 challenge")
}

func decode(chain []byte, key *ecdsa.PrivateKey) (*tls.Certificate, error) {
	c := &tls.Certificate{PrivateKey: key}
	for block, rest := pem.Decode(chain); block != nil; block, rest = pem.Decode(rest) {
		c.Certificate = append(c.Certificate, block.Bytes)
	}
	if len(c.Certificate) == 0 {
		return nil, errors.New("the chain is empty")
	}
	leaf, err := x509.ParseCertificate(c.Certificate[0])
	c.Leaf = leaf
	return c, err
}
