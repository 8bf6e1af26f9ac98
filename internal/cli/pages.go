package cli

import (
	"errors"

	"github.com/spf13/pflag"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/cli/render"
)

// pageFlags say which part of a long list is wanted.
type pageFlags struct {
	before string
	limit  int
}

// addPages adds the flags of a long list; limit is how many elements it has unless told otherwise, 0 for all.
func addPages(flags *pflag.FlagSet, limit int) *pageFlags {
	p := &pageFlags{limit: limit}
	usage := "at most this `number`, the newest first; 0 is all"
	if limit > 0 {
		usage += " (default 100)"
	}
	intFlag(flags, &p.limit, "limit", usage)
	flags.StringVar(&p.before, "before", "", "only what is older than this `id`: the next of an answer that ended at its limit")
	return p
}

// eventLimit is how much of the log is shown unless told otherwise: it grows without end.
const eventLimit = 100

// errEndless says that a list would never end.
var errEndless = &exit{exitRemote, errors.New("the server's list does not end: a page begins where one before it began; report this")}

// collect fetches page after page up to the limit. Next is where the list goes on, "" at its end. A page may have fewer
// elements than were asked for, even none. Lists go from the newest to the oldest, and ids grow with time: a page that
// does not begin at an older id than the one before it would come again and again, and is refused.
func collect[T any](p *pageFlags, fetch func(adminapi.Page) (part []T, next string, err error)) (list []T, next string, err error) {
	list, next = []T{}, p.before
	for {
		size := adminapi.MaxPage
		if p.limit > 0 {
			size = min(size, p.limit-len(list))
		}
		part, following, err := fetch(adminapi.Page{Before: next, Limit: size})
		if err != nil {
			return nil, "", err
		}
		list = append(list, part...)
		if following == "" || p.limit > 0 && len(list) >= p.limit {
			return list, following, nil
		}
		if next != "" && following >= next {
			return nil, "", errEndless
		}
		next = following
	}
}

// listed is the result of a command that lists; next is where the list goes on, "" at its end. Beside a table it tells a
// person that there is more, or that there is nothing.
func listed(data any, rows *render.Rows, next string) result {
	r := result{data: data, table: rows.Write}
	switch {
	case next != "":
		r.note = "There are more; they follow with --before " + next
	case rows.Empty():
		r.note = "There are none."
	}
	return r
}
