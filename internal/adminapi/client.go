package adminapi

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
)

const (
	base      = "http://everleaf" // the host means nothing on a Unix socket
	maxAnswer = 64 << 20          // octets; the largest page of certificates has a few MB
)

// Client calls the admin door. An error that the door answered is an *[Error]; any other means that no answer came.
type Client struct {
	http http.Client
}

// NewClient returns a client on a transport; see [OverSocket] and [InProcess].
func NewClient(transport http.RoundTripper) *Client {
	return &Client{http.Client{Transport: transport}}
}

// call makes one request and decodes the answer into a T.
func call[T any](ctx context.Context, c *Client, method, path string, in any) (T, error) {
	var out T
	var body io.Reader
	if in != nil {
		text, err := Encode(in)
		if err != nil {
			return out, err
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, base+path, body)
	if err != nil {
		return out, err
	}
	if in != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return out, fmt.Errorf("ask the server: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return out, fmt.Errorf("read the server's answer: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return out, refusal(answer, text)
	}
	if err := json.Unmarshal(text, &out); err != nil {
		return out, fmt.Errorf("read the server's answer: %w", err)
	}
	return out, nil
}

// refusal reads an error answer; what is none of ours becomes one that shows the status.
func refusal(answer *http.Response, text []byte) error {
	var e Error
	if err := json.Unmarshal(text, &e); err != nil || e.Message == "" {
		e = Error{
			Kind: KindInternal, RequestID: answer.Header.Get("X-Request-Id"),
			Message: fmt.Sprintf("The server answered with status %d and no explanation.", answer.StatusCode),
		}
	}
	e.Status = answer.StatusCode
	return &e
}

// query builds the part of a URL after the path; empty values stay out.
type query url.Values

func (q query) set(name, value string) query {
	if value != "" {
		url.Values(q).Set(name, value)
	}
	return q
}

func (q query) time(name string, t time.Time) query {
	if t.IsZero() {
		return q
	}
	return q.set(name, Date(t).Format(time.RFC3339))
}

func (q query) page(p Page) query {
	if p.Limit != 0 {
		q.set("limit", strconv.Itoa(p.Limit))
	}
	return q.set("before", p.Before)
}

// on returns the path with the query.
func (q query) on(path string) string {
	if len(q) == 0 {
		return path
	}
	return path + "?" + url.Values(q).Encode()
}

// at joins a path of segments, each of which may hold any text.
func at(collection string, segments ...string) string {
	for _, s := range segments {
		collection += "/" + url.PathEscape(s)
	}
	return collection
}
