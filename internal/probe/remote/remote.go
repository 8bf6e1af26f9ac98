// Package remote lets validators on other machines look: the client of theirs, and what both ends say.
//
// Both ends know each other by their keys and by nothing else. A validator is asked one look at a time over HTTP, and
// answers with the evidence of one attempt. It is trusted to say what it saw; it is not trusted to be brief, alive, or
// quick: whatever else it does is one failed attempt, and never an agreement.
package remote

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/caa"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/perspective"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// How patient the client is.
const (
	connectTimeout = 3 * time.Second
	lookTimeout    = 12 * time.Second // a prober needs 10 s at most
)

// Client asks validators. It is safe for concurrent use, and keeps connections open between looks.
type Client struct {
	identity tls.Certificate

	mu   sync.Mutex
	http map[policy.Perspective]*http.Client
}

// New returns a client that shows identity.
func New(identity tls.Certificate) *Client {
	return &Client{identity: identity, http: make(map[policy.Perspective]*http.Client)}
}

// maxValidators bounds how many validators have connections; more than an installation has.
const maxValidators = 100

// to returns the HTTP client for a validator, which believes its key alone.
func (c *Client) to(p policy.Perspective) *http.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.http[p]; ok {
		return known
	}
	if len(c.http) >= maxValidators {
		for _, old := range c.http {
			old.CloseIdleConnections()
		}
		clear(c.http)
	}
	made := &http.Client{
		Timeout:       lookTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			TLSClientConfig: clientTLS(c.identity, p.Key), DialContext: (&net.Dialer{Timeout: connectTimeout}).DialContext,
			TLSHandshakeTimeout: connectTimeout, MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute, DisableCompression: true,
		},
	}
	c.http[p] = made
	return made
}

// At returns what looks from a perspective.
func (c *Client) At(p policy.Perspective) Looker { return Looker{c, p} }

// Looker looks from one perspective.
type Looker struct {
	client *Client
	at     policy.Perspective
}

// Look looks once whether a challenge is met. When the validator cannot be asked, the attempt has failed, and another one
// may succeed.
func (l Looker) Look(ctx context.Context, look policy.Look) acme.Attempt {
	return l.ask(ctx, perspective.LookPath, look, look.Identifier)
}

// LookCAA looks once whether CAA records let the CA issue; it fails as Look does.
func (l Looker) LookCAA(ctx context.Context, q caa.Question) acme.Attempt {
	return l.ask(ctx, perspective.CAAPath, q, q.Name)
}

func (l Looker) ask(ctx context.Context, path string, question any, name ident.Identifier) acme.Attempt {
	began := time.Now()
	attempt, err := l.answer(ctx, path, question)
	if err == nil {
		return attempt
	}
	const public = "One of the validators of this CA could not be asked; try again later."
	return acme.Attempt{
		At: began.UTC().Truncate(time.Second), Duration: acme.Milliseconds(time.Since(began)),
		Seen:      fmt.Sprintf("The validator %s at %s %s.", l.at.Name, l.at.URL, why(err)),
		Failure:   &acme.Failure{Kind: string(fault.Unavailable), Public: public, Identifier: name},
		Retryable: true,
	}
}

func (l Looker) answer(ctx context.Context, path string, question any) (acme.Attempt, error) {
	body, err := json.Marshal(question)
	if err != nil {
		return acme.Attempt{}, err
	}
	answer, err := l.call(ctx, http.MethodPost, path, body)
	if err != nil {
		return acme.Attempt{}, err
	}
	return perspective.ParseAttempt(answer)
}

// Alive reports why the validator cannot be asked; nil when it can.
func (l Looker) Alive(ctx context.Context) error {
	if _, err := l.call(ctx, http.MethodGet, perspective.AlivePath, nil); err != nil {
		return fault.Wrap(err, fault.Unavailable, "The validator %s at %s %s.", l.at.Name, l.at.URL, why(err))
	}
	return nil
}

// statusError is an answer that is none.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("status %d", int(e)) }

func (l Looker) call(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(l.at.URL, "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := l.client.to(l.at).Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusNoContent {
		return nil, statusError(answer.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, perspective.MaxAttempt+1))
	if err == nil && len(text) > perspective.MaxAttempt {
		err = errTooLong
	}
	return text, err
}

// errTooLong says that an answer does not end where one has to.
var errTooLong = errors.New("answer too long")

// why says in our words what became of a question: the texts of network errors can carry remote bytes.
func why(err error) string {
	var status statusError
	timeout, isNet := errors.AsType[net.Error](err)
	_, alert := errors.AsType[tls.AlertError](err)
	switch {
	case errors.Is(err, errStranger):
		return "showed another key than the one that is trusted there"
	case errors.As(err, &status):
		return fmt.Sprintf("answered with status %d", int(status))
	case errors.Is(err, errTooLong), fault.Is(err, fault.Malformed):
		return "answered with something else than an attempt"
	case errors.Is(err, context.Canceled):
		return "was not waited for"
	case isNet && timeout.Timeout():
		return "did not answer in time"
	case alert, strings.Contains(err.Error(), "remote error: tls"):
		return "refused the connection; does it trust the key of this CA?"
	default:
		return "could not be reached"
	}
}
