package persist

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/issuevalue"
)

// Wanted is what a record must say to prove something.
type Wanted struct {
	Offer   Offer
	Domain  string // below the label
	Beyond  bool   // its wildcard, or the names below it, are to be proven
	Account Account
	Now     time.Time
}

// refusal is why a record proves nothing, the farthest from a proof first. Of several records the nearest is told about.
type refusal int

const (
	none refusal = iota
	unreadable
	foreign
	broken
	repeated
	badUntil
	nameless
	badHash
	stranger
	narrow
	past
)

// tell puts a refusal in words. What cannot be read is malformed, what says something else unauthorized (draft section
// "Error Handling").
func (r refusal) tell() (fault.Kind, string) {
	switch r {
	case foreign:
		return fault.Unauthorized, "it names another CA than the challenge offers"
	case broken:
		return fault.Malformed, "what follows the name of the CA is not in the form of RFC 8659 section 4.2"
	case repeated:
		return fault.Malformed, "a parameter stands in it twice"
	case badUntil:
		return fault.Malformed, "its persistUntil is not a number of seconds since 1970"
	case nameless:
		return fault.Malformed, "it has no accounturi"
	case badHash:
		return fault.Malformed, "its accounturi is not accountHashPrefix, sha-256/ and the hash; the URL of the account is not accepted"
	case stranger:
		return fault.Unauthorized, "its accounturi is not that of this account"
	case narrow:
		return fault.Unauthorized, "it lacks policy=wildcard, and is good for the name alone"
	case past:
		return fault.Unauthorized, "its persistUntil is over"
	default:
		return fault.Malformed, "it is not in the form of RFC 8659 section 4.2"
	}
}

// Judge returns the record that proves control, of several the one that lasts longest. Each is judged as if it stood
// alone: records for other CAs and broken ones do no harm. Errors, about the record that comes nearest: Malformed for one
// that cannot be read, Unauthorized for one that says something else.
func (w Wanted) Judge(records []string) (Grant, error) {
	var best *Grant
	nearest := none
	for _, text := range records {
		grant, no := w.judge(text)
		switch {
		case no != none:
			nearest = max(nearest, no)
		case best == nil || grant.outlasts(*best):
			best = &grant
		}
	}
	if best != nil {
		return *best, nil
	}
	kind, reason := nearest.tell()
	return Grant{}, fault.New(kind, "None of the %d TXT records at %s.%s allows this account; of the nearest: %s.",
		len(records), Label, w.Domain, reason)
}

func (w Wanted) judge(text string) (Grant, refusal) {
	v, err := issuevalue.Parse(text)
	switch {
	case v.Issuer == "" && err != nil:
		return Grant{}, unreadable
	case !slices.Contains(w.Offer.Issuers, v.Issuer):
		return Grant{}, foreign
	case err != nil:
		return Grant{}, broken
	case v.Repeats():
		return Grant{}, repeated
	}
	until, ok := readUntil(v)
	if !ok {
		return Grant{}, badUntil
	}
	uri, _ := v.Get(tagAccount)
	if no := w.judgeAccount(uri); no != none {
		return Grant{}, no
	}
	policy, _ := v.Get(tagPolicy)
	switch {
	case w.Beyond && !strings.EqualFold(policy, wildcard):
		return Grant{}, narrow
	case !until.IsZero() && !until.After(w.Now):
		return Grant{}, past
	}
	return Grant{uri, until}, none
}

// readUntil returns when a record ends; the zero time when it does not.
func readUntil(v issuevalue.Value) (time.Time, bool) {
	text, times := v.Get(tagUntil)
	if times == 0 {
		return time.Time{}, true
	}
	seconds, err := strconv.ParseUint(text, 10, 62)
	return time.Unix(int64(seconds), 0).UTC(), err == nil && strings.Trim(text, "0123456789") == ""
}

// judgeAccount compares octets: URIs have no other spelling here (RFC 3986 section 6.2.1).
func (w Wanted) judgeAccount(uri string) refusal {
	switch {
	case uri == "":
		return nameless
	case w.Offer.Draft == Draft01:
		if uri != w.Account.URL {
			return stranger
		}
	case !strings.HasPrefix(uri, w.Account.HashPrefix):
		return stranger
	case !isHashed(strings.TrimPrefix(uri, w.Account.HashPrefix)):
		return badHash
	case !w.Account.has(uri, w.Domain):
		return stranger
	}
	return none
}

// isHashed reports whether text is the algorithm with a hash.
func isHashed(text string) bool {
	hash, ok := strings.CutPrefix(text, algorithm)
	sum, err := base64.RawURLEncoding.Strict().DecodeString(hash)
	return ok && err == nil && len(sum) == 32
}

// has reports whether a hashed URI is the account's, under any key that it has or had: a record outlives a change of the
// key.
func (a Account) has(uri, domain string) bool {
	return slices.ContainsFunc(a.Thumbprints, func(thumbprint string) bool {
		return uri == a.hashed(domain, thumbprint) || uri == a.hashed(AnyDomain, thumbprint)
	})
}
