// Package adminapi is the language of the admin door: the JSON that goes over it, and a client.
//
// The JSON is stable. Members may be added, none is renamed, removed or given another meaning while [SchemaVersion]
// stays the same. Every answer is an object that begins with schema_version; see [Document]. Times are RFC 3339 in UTC and
// whole seconds; an absent time says that it never happened. Lengths of time are text with their units, like "1d12h";
// a number that is one has its unit in its name. Serial numbers and SHA-256 fingerprints are lower-case hexadecimal. A
// list has one member named after what it lists; where it has a member next, there is more, and next is the before of
// the following page.
package adminapi

import (
	"fmt"
	"time"
)

// SchemaVersion is the version of the JSON.
const SchemaVersion = 1

// Limits of a page.
const (
	DefaultPage = 100  // elements, when the query names no limit
	MaxPage     = 1000 // elements
)

// MaxBody is the size of the largest request body, in octets: an import carries a chain and a key.
const MaxBody = 256 << 10

// Error is what the door answers instead of a result.
type Error struct {
	Status    int    `json:"-"`          // HTTP status
	Kind      string `json:"kind"`       // the class of failure; "internal" when the reason is in the server's log only
	Message   string `json:"message"`    // what, why, and the next step
	RequestID string `json:"request_id"` // names the request in the server's log
}

func (e *Error) Error() string {
	if e.RequestID == "" || e.Kind != KindInternal {
		return e.Message
	}
	return fmt.Sprintf("%s (request %s)", e.Message, e.RequestID)
}

// KindInternal is the kind of a failure that is nobody's fault but the server's.
const KindInternal = "internal"

// Page selects a part of a list, newest first. The zero value selects the first DefaultPage elements.
type Page struct {
	Before string // the next of the page before
	Limit  int    // at most this many, 1 to MaxPage; 0: DefaultPage
}

// Statuses of certificates and of what an operator declares.
const (
	StatusValid     = "valid"
	StatusRevoked   = "revoked"
	StatusExpired   = "expired"
	StatusActive    = "active"
	StatusSuspended = "suspended"
	StatusEnded     = "ended"
	StatusDeleted   = "deleted"
)

// Date returns t as the wire has it: whole seconds, UTC, and the zero time as it is.
func Date(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Second)
}
