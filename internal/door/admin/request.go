package admin

import (
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/manage"
	"github.com/everleaf-pki/everleaf/internal/web"
)

// decode reads the body into v.
func decode(r *http.Request, v any) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return fault.New(fault.Malformed, "The body must be application/json.")
	}
	body, err := web.ReadBody(r)
	if err != nil {
		return err
	}
	return adminapi.Decode(body, v)
}

// apply returns the change that puts the members of part onto a declaration.
func apply[T any](part any) manage.Change[T] {
	return func(whole *T) error { return adminapi.Apply(part, whole) }
}

// onlyKnown refuses parameters that a route does not take: a filter with a slip in its name would select everything.
func onlyKnown(r *http.Request, known []string) error {
	for name, values := range r.URL.Query() {
		switch {
		case !slices.Contains(known, name):
			return fault.New(fault.Malformed, "There is no parameter %q here.", clip(name))
		case len(values) > 1:
			return fault.New(fault.Malformed, "The parameter %s is there twice.", name)
		}
	}
	return nil
}

func parameter(r *http.Request, name string) string { return r.URL.Query().Get(name) }

// pageOf reads before and limit.
func pageOf(r *http.Request) (manage.Page, error) {
	p := manage.Page{Before: parameter(r, "before")}
	text := parameter(r, "limit")
	if text == "" {
		return p, nil
	}
	limit, err := strconv.Atoi(text)
	if err != nil || limit < 1 || limit > adminapi.MaxPage {
		return p, fault.New(fault.Malformed, "limit: %q is not a number from 1 to %d.", clip(text), adminapi.MaxPage)
	}
	p.Limit = limit
	return p, nil
}

// timeOf reads a parameter that is a time; the zero time when it is not there.
func timeOf(r *http.Request, name string) (time.Time, error) {
	text := parameter(r, name)
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fault.New(fault.Malformed, "%s: %q is not a time; write it like 2026-11-23T12:00:00Z.", name, clip(text))
	}
	return adminapi.Date(t), nil
}

// boolOf reads a parameter that is true or false; false when it is not there.
func boolOf(r *http.Request, name string) (bool, error) {
	switch text := parameter(r, name); text {
	case "true":
		return true, nil
	case "", "false":
		return false, nil
	default:
		return false, fault.New(fault.Malformed, "%s: %q is neither true nor false.", name, clip(text))
	}
}

// clip keeps text of the request short enough to be repeated to its sender.
func clip(text string) string {
	const most = 100
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}
