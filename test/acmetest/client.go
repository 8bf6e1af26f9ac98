// Package acmetest is a small ACME client for tests: it does what it is told, quickly, and hides nothing. It is no
// reference for a client: it trusts the server's URLs and retries only badNonce.
package acmetest

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/jws"
)

// Problem is what the server refused with.
type Problem struct {
	Status int    `json:"-"`
	Type   string `json:"type"`
	Detail string `json:"detail"`
}

func (p *Problem) Error() string { return fmt.Sprintf("%d %s: %s", p.Status, p.Type, p.Detail) }

// Directory is the server's directory.
type Directory struct {
	NewNonce   string `json:"newNonce"`
	NewAccount string `json:"newAccount"`
	NewOrder   string `json:"newOrder"`
	RevokeCert string `json:"revokeCert"`
	KeyChange  string `json:"keyChange"`
}

// Order is an order.
type Order struct {
	URL            string   `json:"-"`
	Status         string   `json:"status"`
	Authorizations []string `json:"authorizations"`
	Finalize       string   `json:"finalize"`
	Certificate    string   `json:"certificate"`
}

// Authorization is an authorization.
type Authorization struct {
	Status     string      `json:"status"`
	Challenges []Challenge `json:"challenges"`
}

// Challenge is a challenge.
type Challenge struct {
	Type   string `json:"type"`
	URL    string `json:"url"`
	Token  string `json:"token"`
	Status string `json:"status"`
}

// Client is one account at one server. It is safe for concurrent use.
type Client struct {
	HTTP      *http.Client
	Directory Directory
	Key       crypto.Signer
	Account   string // URL

	mu     sync.Mutex
	nonces []string
}

// Trusting returns an HTTP client that believes only the roots in a PEM file.
func Trusting(rootFile string) (*http.Client, error) {
	text, err := os.ReadFile(rootFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate", rootFile)
	}
	return &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots}, MaxIdleConnsPerHost: 64, ForceAttemptHTTP2: true,
	}}, nil
}

// Register reads the directory and makes an account with a new P-256 key.
func Register(ctx context.Context, client *http.Client, directory string) (*Client, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	c := &Client{HTTP: client, Key: key}
	if err := c.readDirectory(ctx, directory); err != nil {
		return nil, err
	}
	response, _, err := c.post(ctx, c.Directory.NewAccount, []byte(`{"termsOfServiceAgreed":true}`))
	if err != nil {
		return nil, err
	}
	c.Account = response.Header.Get("Location")
	return c, nil
}

func (c *Client) readDirectory(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	_, body, err := c.do(request)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, &c.Directory)
}

// Thumbprint is that of the account's key; TOKEN "." Thumbprint answers a challenge.
func (c *Client) Thumbprint() string {
	key, err := jws.KeyFromPublic(c.Key.Public())
	if err != nil {
		panic(err) // the key was made here
	}
	return key.Thumbprint()
}

// NewOrder orders DNS names.
func (c *Client) NewOrder(ctx context.Context, names ...string) (Order, error) {
	var request struct {
		Identifiers []map[string]string `json:"identifiers"`
	}
	for _, n := range names {
		request.Identifiers = append(request.Identifiers, map[string]string{"type": "dns", "value": n})
	}
	payload, err := json.Marshal(request)
	if err != nil {
		return Order{}, err
	}
	return c.order(ctx, c.Directory.NewOrder, payload)
}

// Order reads an order.
func (c *Client) Order(ctx context.Context, url string) (Order, error) { return c.order(ctx, url, nil) }

func (c *Client) order(ctx context.Context, url string, payload []byte) (Order, error) {
	response, body, err := c.post(ctx, url, payload)
	if err != nil {
		return Order{}, err
	}
	var o Order
	err = json.Unmarshal(body, &o)
	if o.URL = response.Header.Get("Location"); o.URL == "" {
		o.URL = url
	}
	return o, err
}

// Authorization reads an authorization.
func (c *Client) Authorization(ctx context.Context, url string) (a Authorization, err error) {
	_, body, err := c.post(ctx, url, nil)
	if err == nil {
		err = json.Unmarshal(body, &a)
	}
	return a, err
}

// Prove answers the challenge of one type in every authorization of an order, whose answers must be in place, and
// waits until all are valid.
func (c *Client) Prove(ctx context.Context, o Order, method string) error {
	for _, url := range o.Authorizations {
		a, err := c.Authorization(ctx, url)
		if err != nil {
			return err
		}
		for _, challenge := range a.Challenges {
			if a.Status == "pending" && challenge.Type == method {
				if _, _, err := c.post(ctx, challenge.URL, []byte(`{}`)); err != nil {
					return err
				}
			}
		}
		if err := c.settled(ctx, url); err != nil {
			return err
		}
	}
	return nil
}

// poll is the pause between two reads of something that is pending.
const poll = 20 * time.Millisecond

func (c *Client) settled(ctx context.Context, url string) error {
	for {
		a, err := c.Authorization(ctx, url)
		switch {
		case err != nil:
			return err
		case a.Status == "valid":
			return nil
		case a.Status != "pending":
			return fmt.Errorf("the authorization is %s", a.Status)
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(poll):
		return nil
	}
}

// Finalize asks for the certificate with a CSR for names under key, waits for it, and returns its chain as DER.
func (c *Client) Finalize(ctx context.Context, o Order, key crypto.Signer, names ...string) ([][]byte, error) {
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: names}, key)
	if err != nil {
		return nil, err
	}
	payload := fmt.Appendf(nil, `{"csr":%q}`, base64.RawURLEncoding.EncodeToString(csr))
	url := o.URL
	if o, err = c.order(ctx, o.Finalize, payload); err != nil {
		return nil, err
	}
	for o.Status == "processing" {
		if err := pause(ctx); err != nil {
			return nil, err
		}
		if o, err = c.Order(ctx, url); err != nil {
			return nil, err
		}
	}
	if o.Status != "valid" {
		return nil, fmt.Errorf("the order is %s", o.Status)
	}
	_, body, err := c.post(ctx, o.Certificate, nil)
	if err != nil {
		return nil, err
	}
	return chain(body)
}

func chain(text []byte) (out [][]byte, err error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		out = append(out, block.Bytes)
	}
	if len(out) == 0 {
		err = errors.New("the chain is empty")
	}
	return out, err
}

// post signs and sends a request; nil is a POST-as-GET. A badNonce is answered with the fresh nonce, once.
func (c *Client) post(ctx context.Context, url string, payload []byte) (*http.Response, []byte, error) {
	for attempt := 0; ; attempt++ {
		response, body, err := c.once(ctx, url, payload)
		refused, ok := errors.AsType[*Problem](err)
		if !ok || refused.Type != "urn:ietf:params:acme:error:badNonce" || attempt > 0 {
			return response, body, err
		}
	}
}

func (c *Client) once(ctx context.Context, url string, payload []byte) (*http.Response, []byte, error) {
	nonce, err := c.nonce(ctx)
	if err != nil {
		return nil, nil, err
	}
	signed, err := jws.Sign(c.Key, jws.SignOptions{KeyID: c.Account, Nonce: nonce, URL: url}, payload)
	if err != nil {
		return nil, nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(signed))
	if err != nil {
		return nil, nil, err
	}
	request.Header.Set("Content-Type", "application/jose+json")
	return c.do(request)
}

func (c *Client) nonce(ctx context.Context) (string, error) {
	c.mu.Lock()
	if n := len(c.nonces); n > 0 {
		nonce := c.nonces[n-1]
		c.nonces = c.nonces[:n-1]
		c.mu.Unlock()
		return nonce, nil
	}
	c.mu.Unlock()
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, c.Directory.NewNonce, nil)
	if err != nil {
		return "", err
	}
	response, err := c.HTTP.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	return response.Header.Get("Replay-Nonce"), nil
}

// do sends a request, keeps the nonce of the reply, and returns a refusal as a *Problem.
func (c *Client) do(request *http.Request) (*http.Response, []byte, error) {
	response, err := c.HTTP.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, nil, err
	}
	if nonce := response.Header.Get("Replay-Nonce"); nonce != "" && request.Method == http.MethodPost {
		c.mu.Lock()
		c.nonces = append(c.nonces, nonce)
		c.mu.Unlock()
	}
	if response.StatusCode >= 400 {
		refused := &Problem{Status: response.StatusCode}
		if err := json.Unmarshal(body, refused); err != nil {
			refused.Detail = string(body)
		}
		return response, body, refused
	}
	return response, body, nil
}
