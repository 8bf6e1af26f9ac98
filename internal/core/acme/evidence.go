package acme

import (
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/limit"
	"github.com/everleaf-pki/everleaf/internal/core/persist"
)

// Attempt is the evidence of one look from outside: what was asked, what answered, what was seen.
// Nothing in it is copied from a remote body; it is safe to store and to show to an operator.
type Attempt struct {
	At          time.Time      `json:"at"`
	Duration    Duration       `json:"duration"`
	Perspective string         `json:"perspective,omitempty"` // which validator looked; "" is this node
	Lookups     []Lookup       `json:"lookups,omitempty"`
	Hops        []Hop          `json:"hops,omitempty"`
	Seen        string         `json:"seen"`              // one sentence in our words: "body matches the key authorization", "NXDOMAIN"
	Reports     []string       `json:"reports,omitempty"` // where the owner of a name wants to hear of this refusal by CAA (iodef)
	Grant       *persist.Grant `json:"grant,omitempty"`   // the record of dns-persist-01 that was found good
	Failure     *Failure       `json:"failure,omitempty"`
	Retryable   bool           `json:"retryable,omitzero"` // connection and DNS errors; a wrong answer is final
}

// Lookup is one DNS question with its answers.
type Lookup struct {
	Name          string   `json:"name"`
	Type          string   `json:"type"` // "A", "AAAA", "TXT", ...
	Server        string   `json:"server,omitempty"`
	Result        string   `json:"result"`                 // "NOERROR", "NXDOMAIN", "SERVFAIL", "timeout", ...
	Answers       []string `json:"answers,omitempty"`      // addresses, CNAME targets, CAA records; TXT values only as digests
	Authenticated bool     `json:"authenticated,omitzero"` // the server says that DNSSEC proves the answer (AD, RFC 4035 section 3.2.3)
}

// Hop is one place that a look led to: a request of a redirect chain, or a TLS handshake.
type Hop struct {
	URL     string `json:"url"`               // http(s) URL, or "tls://HOST:PORT"
	Address string `json:"address,omitempty"` // the vetted address that was dialled; "": none was
	Status  int    `json:"status,omitzero"`   // HTTP status
	Error   string `json:"error,omitempty"`   // in our words
}

// Duration is a time span that is stored as whole milliseconds.
type Duration int64

// Milliseconds returns d in whole milliseconds, rounded down.
func Milliseconds(d time.Duration) Duration { return Duration(d.Milliseconds()) }

// Outcome is what validation found out about one challenge: valid when Failure is nil.
type Outcome struct {
	Failure  *Failure
	Attempts []Attempt
}

// Until returns when the proof ends by the word of whoever gave it; the zero time when it does not. Every perspective saw
// what it counts on.
func (o Outcome) Until() (until time.Time) {
	for _, a := range o.Attempts {
		if a.Grant != nil && !a.Grant.Until.IsZero() && (until.IsZero() || a.Grant.Until.Before(until)) {
			until = a.Grant.Until
		}
	}
	return until
}

// Check is what CAA records said of one name of an order when it was to be certified: allowed when Failure is nil.
type Check struct {
	Identifier ident.Identifier `json:"identifier"`
	Method     Method           `json:"method,omitempty"` // by which control was proven; "": by none
	Failure    *Failure         `json:"failure,omitempty"`
	Attempts   []Attempt        `json:"attempts,omitempty"`
}

// Conclusion is the outcome of one challenge, to be recorded.
type Conclusion struct {
	Authorization    string
	Method           Method
	KeyAuthorization string
	Outcome          Outcome
	Now              time.Time
	ValidUntil       time.Time // how long the authorization may be used when the outcome is good

	Proof limit.Charge // what a failure counts for; the zero value: for nothing
	Pause event.Event  // what tells that a failure made the account pause
}
