package manage

import (
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/id"
)

// Limits of a page.
const (
	DefaultPage = 100
	MaxPage     = 1000
)

// Page selects a part of a list, newest first. The zero value selects the first DefaultPage elements.
type Page struct {
	Before string // id: only what is older
	Limit  int    // 1 to MaxPage; 0: DefaultPage
}

// turn fetches the page, and where the next one begins; "" after the last. Error: Malformed for a page that cannot be.
func turn[T any](p Page, key func(T) string, fetch func(before string, limit int) ([]T, error)) ([]T, string, error) {
	switch {
	case p.Limit < 0 || p.Limit > MaxPage:
		return nil, "", fault.New(fault.Malformed, "A page has 1 to %d elements, not %d.", MaxPage, p.Limit)
	case p.Before != "" && !id.Valid(p.Before):
		return nil, "", fault.New(fault.Malformed, "%q is not where a page can begin; take the next of the page before.", clip(p.Before))
	case p.Limit == 0:
		p.Limit = DefaultPage
	}
	found, err := fetch(p.Before, p.Limit+1)
	if err != nil || len(found) <= p.Limit {
		return found, "", err
	}
	found = found[:p.Limit]
	return found, key(found[p.Limit-1]), nil
}
