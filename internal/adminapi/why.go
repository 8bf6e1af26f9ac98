package adminapi

import (
	"context"
	"net/http"
)

const why = "/v1/why"

// Question asks whether a certificate would be issued, for names, for those of a certificate request, or for an order.
type Question struct {
	Connector  string   `json:"connector,omitempty"`  // name; "": default
	Credential string   `json:"credential,omitempty"` // its id, the kid; "": for an account that came in without one
	Profile    string   `json:"profile,omitempty"`    // name; "": the default
	Names      []string `json:"names,omitempty"`
	Request    string   `json:"request,omitempty"` // a certificate request in PEM
	Order      string   `json:"order,omitempty"`   // id; with it nothing else may be asked
}

// Answer says what stands against a certificate, and what is still to be done for it.
type Answer struct {
	Would       bool        `json:"would"` // it would be issued once the needs are met
	Connector   string      `json:"connector"`
	Credential  string      `json:"credential,omitempty"` // name
	Profile     string      `json:"profile,omitempty"`
	Names       []string    `json:"names"`
	Objections  []Objection `json:"objections"`
	Needs       []Need      `json:"needs"`
	Warnings    []string    `json:"warnings,omitempty"`
	Order       string      `json:"order,omitempty"`
	OrderStatus string      `json:"order_status,omitempty"`
	Certificate string      `json:"certificate,omitempty"` // id of the one that the order has
}

// Objection is one rule that says no.
type Objection struct {
	Name   string `json:"name,omitempty"` // which it refuses; "": the request as a whole
	By     string `json:"by"`             // whose rule it is: connector, credential, profile, request, order, ...
	Of     string `json:"of,omitempty"`   // which one of these
	Rule   string `json:"rule,omitempty"` // as it is declared
	Kind   string `json:"kind,omitempty"`
	Reason string `json:"reason"`
}

// Need is what has to happen before a name can be certified.
type Need struct {
	Name    string   `json:"name"`
	Methods []string `json:"methods,omitempty"` // one of these challenges
	Because string   `json:"because,omitempty"` // why nothing more is needed
}

// Why asks whether a certificate would be issued. It leaves nothing behind.
func (c *Client) Why(ctx context.Context, q Question) (Answer, error) {
	return call[Answer](ctx, c, http.MethodPost, why, q)
}
