package acme

import (
	"errors"
	"net/http"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/wire"
	"github.com/everleaf-pki/everleaf/internal/web"
)

// addition is one header of a reply.
type addition func(http.Header)

func location(url string) addition { return func(h http.Header) { h.Set("Location", url) } }

func linked(url, relation string) addition {
	return func(h http.Header) { h.Add("Link", link(url, relation)) }
}

// retryAfter says when to ask again; zero says nothing.
func retryAfter(d time.Duration) addition {
	return func(h http.Header) {
		if d > 0 {
			h.Set("Retry-After", web.RetryAfter(d))
		}
	}
}

// object is a reply with a JSON object.
func object(status int, v any, additions ...addition) (web.Reply, error) {
	body, err := wire.Marshal(v)
	if err != nil {
		return web.Reply{}, err
	}
	return document(status, wire.MediaType, body, additions...), nil
}

// document is a reply with a body of any media type.
func document(status int, mediaType string, body []byte, additions ...addition) web.Reply {
	header := http.Header{"Content-Type": {mediaType}}
	for _, add := range additions {
		add(header)
	}
	return web.Reply{Status: status, Header: header, Body: body}
}

// inside puts the place before the sentence of a refusal.
func inside(place string, err error) error {
	refusal, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	placed := *refusal
	placed.Public = place + ": " + refusal.Public
	return &placed
}

// withHelp leads whoever meets a limit to the page about this CA, where there is one, with the link relation "help" (RFC
// 8555 section 6.6).
func withHelp(err error, website string) error {
	if website == "" || !fault.Is(err, fault.RateLimited) {
		return err
	}
	return &web.Refusal{Header: http.Header{"Link": {link(website, "help")}}, Err: err}
}

// hide answers alike for what does not exist and for what belongs to another account.
func hide(err error, what string) error {
	if fault.Is(err, fault.NotFound) {
		return fault.Wrap(err, fault.NotFound, "This account has no such %s.", what)
	}
	return err
}
