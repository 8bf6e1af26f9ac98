package adminapi

import (
	"context"
	"net/http"
)

const operation = "/v1/operation"

// Backup asks for a copy of the database.
type Backup struct {
	Path string `json:"path"` // absolute; a new file on the server's machine
}

// Findings is what a check of the whole store found.
type Findings struct {
	Findings []string `json:"findings"` // one sentence each; none means sound
}

// Readiness is whether the installation can do its work.
type Readiness struct {
	Ready   bool             `json:"ready"`   // it can work; a check that fails may still stop some orders
	Serving bool             `json:"serving"` // a server runs; false where the command looked by itself
	Checks  []ReadinessCheck `json:"checks"`
}

// ReadinessCheck is one named condition.
type ReadinessCheck struct {
	Name    string `json:"name"`
	OK      bool   `json:"ok"`
	Problem string `json:"problem,omitempty"` // a sentence for the operator
}

// Reloaded is what a reload of the settings read and changed.
type Reloaded struct {
	File    string          `json:"file"`    // where the configuration file is looked for, on the server's machine
	Read    bool            `json:"read"`    // false: there is no such file
	Changes []SettingChange `json:"changes"` // by this reload
}

// SettingChange is a setting that has another value than before.
type SettingChange struct {
	Name   string   `json:"name"`
	From   []string `json:"from"` // empty: not set
	To     []string `json:"to"`
	Source string   `json:"source"` // of the new value: a flag, a variable, FILE:LINE or default
}

// Done says that an operation without a result is done.
type Done struct {
	Done bool `json:"done"`
}

// Backup writes a consistent copy of the database to a new file while the server runs. The keys are not in it.
func (c *Client) Backup(ctx context.Context, path string) error {
	_, err := call[Done](ctx, c, http.MethodPost, at(operation, "backup"), Backup{Path: path})
	return err
}

// Check verifies the whole store.
func (c *Client) Check(ctx context.Context) (Findings, error) {
	return call[Findings](ctx, c, http.MethodPost, at(operation, "check"), nil)
}

// Reload lets the server read its settings again, and answers when that is done or refused.
func (c *Client) Reload(ctx context.Context) (Reloaded, error) {
	return call[Reloaded](ctx, c, http.MethodPost, at(operation, "reload"), nil)
}

// Readiness runs every check of readiness.
func (c *Client) Readiness(ctx context.Context) (Readiness, error) {
	return call[Readiness](ctx, c, http.MethodGet, at(operation, "readiness"), nil)
}
