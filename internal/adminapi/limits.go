package adminapi

import (
	"context"
	"net/http"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/limit"
)

const limits = "/v1/limits"

// Limit is what was taken of a limit.
type Limit struct {
	Connector     string     `json:"connector"` // its name
	Kind          limit.Kind `json:"kind"`
	Subject       string     `json:"subject"` // what it counts by: an address, an id, a name, names, or an account and a name
	Rate          limit.Rate `json:"rate"`    // what is allowed, like 300/3h
	Taken         int        `json:"taken"`   // how many of it are not yet earned again
	FreeAt        time.Time  `json:"free_at,omitzero"`
	FailuresInRow int        `json:"failures_in_a_row,omitzero"`
	PausedUntil   time.Time  `json:"paused_until,omitzero"` // absent: it does not pause
}

// Limits is a list.
type Limits struct {
	Limits []Limit `json:"limits"`
}

// LimitReset asks to give back what was taken of a limit.
type LimitReset struct {
	Connector string     `json:"connector,omitempty"` // name; "": default
	Kind      limit.Kind `json:"kind"`
	Subject   string     `json:"subject"`
}

// LimitResume asks to end the pause of an account for a name.
type LimitResume struct {
	Account string `json:"account"`
	Name    string `json:"name"`
}

// RateUsual ends an override.
const RateUsual = "usual"

// LimitOverride asks for another rate for one account, credential, name or network; exactly one of them is named.
type LimitOverride struct {
	Connector  string     `json:"connector,omitempty"` // name; "": that of the account or the credential, else default
	Account    string     `json:"account,omitempty"`
	Credential string     `json:"credential,omitempty"`
	Name       string     `json:"name,omitempty"`
	Address    string     `json:"address,omitempty"`
	Kind       limit.Kind `json:"kind"`
	Rate       string     `json:"rate"` // like 300/3h, none, or usual
	Until      time.Time  `json:"until,omitzero"`
}

// Limits lists what is taken of the limits of a connector ("" for all), of one kind ("" for all), and the pauses.
func (c *Client) Limits(ctx context.Context, connector string, kind limit.Kind) (Limits, error) {
	return call[Limits](ctx, c, http.MethodGet, query{}.set("connector", connector).set("kind", string(kind)).on(limits), nil)
}

// OverrideLimit gives one account, credential, name or network another rate. It returns the connector as it is then.
func (c *Client) OverrideLimit(ctx context.Context, o LimitOverride) (Connector, error) {
	return call[Connector](ctx, c, http.MethodPost, at(limits, "override"), o)
}

// ResetLimit gives back what was taken of a limit, and returns it as it was.
func (c *Client) ResetLimit(ctx context.Context, r LimitReset) (Limit, error) {
	return call[Limit](ctx, c, http.MethodPost, at(limits, "reset"), r)
}

// ResumeLimit ends the pause of an account for a name, and returns what it was.
func (c *Client) ResumeLimit(ctx context.Context, r LimitResume) (Limit, error) {
	return call[Limit](ctx, c, http.MethodPost, at(limits, "resume"), r)
}
