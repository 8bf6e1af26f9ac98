// Package caa judges what the CAA records of a name say about one issuance (RFC 8659, RFC 8657). Finding the records is
// the business of others.
package caa

import (
	"fmt"
	"slices"
	"strings"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/issuevalue"
)

// Record is a CAA record (RFC 8659 section 4.1).
type Record struct {
	Flags uint8
	Tag   string
	Value string
}

// The property tags that this CA knows. They are compared without regard to case.
const (
	issue     = "issue"
	issueWild = "issuewild"
	iodef     = "iodef"
)

// critical says that nobody may issue who does not know the property.
const critical = 1 << 7

func (r Record) is(tag string) bool { return strings.EqualFold(r.Tag, tag) }

func (r Record) known() bool { return r.is(issue) || r.is(issueWild) || r.is(iodef) }

// Question asks whether this CA may certify a name. It says all that an answer needs, so that another machine can look.
type Question struct {
	Name       ident.Identifier `json:"name"`              // as it will stand in the certificate, "*." included
	Identities []string         `json:"identities"`        // the names in records that mean this CA
	AccountURL string           `json:"account_url"`       // "": none is published, and no record that demands one is met
	Method     acme.Method      `json:"method"`            // by which control of the name was proven; "": by none
	MayFail    bool             `json:"may_fail,omitzero"` // a look-up that fails need not refuse where the zone is proven to be unsigned
}

// Verdict is what a set of records says about a question.
type Verdict struct {
	Refusal string   // a sentence for the requester; "": the set allows it
	Reports []string // where the owner of the set wants to hear of refusals (iodef), as they wrote it
}

// Allowed reports whether the set allows the issuance.
func (v Verdict) Allowed() bool { return v.Refusal == "" }

// Judge says whether the relevant set of the name, which was found at a name at or above it, allows the issuance. An
// empty set allows everything, as does one that speaks of other things than issuance (RFC 8659 section 3).
func (q Question) Judge(at string, set []Record) Verdict {
	v := Verdict{Reports: reports(set)}
	switch properties := q.restricting(set); {
	case slices.ContainsFunc(set, unknownCritical):
		v.Refusal = fmt.Sprintf("A CAA record of %s is marked critical and has a tag that this CA does not know, which forbids it to issue; remove the record or its critical flag.", at)
	case len(properties) > 0:
		v.Refusal = q.unauthorized(at, properties)
	}
	return v
}

// unknownCritical finds what RFC 8659 section 4.1 demands of CAs: "MUST NOT issue" for a critical property that it does
// not understand.
func unknownCritical(r Record) bool { return r.Flags&critical != 0 && !r.known() }

func reports(set []Record) []string {
	var addresses []string
	for _, r := range set {
		if r.is(iodef) {
			addresses = append(addresses, r.Value)
		}
	}
	return addresses
}

// restricting returns the properties that the name is subject to: for a wildcard those that are for wildcards alone,
// if there are any (RFC 8659 section 4.3).
func (q Question) restricting(set []Record) []Record {
	if wild := tagged(set, issueWild); q.Name.IsWildcard() && len(wild) > 0 {
		return wild
	}
	return tagged(set, issue)
}

func tagged(set []Record, tag string) []Record {
	var found []Record
	for _, r := range set {
		if r.is(tag) {
			found = append(found, r)
		}
	}
	return found
}

// unauthorized returns "" when one of the properties authorizes the issuance, and else what comes closest to it.
func (q Question) unauthorized(at string, properties []Record) string {
	refusal := fmt.Sprintf("The CAA records of %s do not let this CA issue; if it may, add one with the tag %s and the value %s.",
		at, strings.ToLower(properties[0].Tag), strings.Join(q.Identities, " or "))
	for _, r := range properties {
		value, err := issuevalue.Parse(r.Value)
		if !q.means(value.Issuer) {
			continue
		}
		unmet := broken
		if err == nil {
			unmet = q.unmet(value)
		}
		if unmet == "" {
			return ""
		}
		refusal = fmt.Sprintf("A CAA record of %s names this CA, but %s.", at, unmet)
	}
	return refusal
}

// broken is said of a value without the syntax of RFC 8659 section 4.2, which authorizes nobody.
const broken = "not in the form of RFC 8659 section 4.2, so that it authorizes nobody; correct it"

// means reports whether an issuer's domain name is one of this CA's.
func (q Question) means(issuer string) bool {
	return slices.ContainsFunc(q.Identities, func(own string) bool { return issuer != "" && strings.EqualFold(own, issuer) })
}

// unmet says which terms of a property this issuance does not meet; "" for none. Terms that nobody defined bind nobody.
func (q Question) unmet(v issuevalue.Value) string {
	if reason := q.otherAccount(v); reason != "" {
		return reason
	}
	return q.otherMethod(v)
}

// otherAccount judges the parameter accounturi: "The value of this parameter, if specified, MUST be a URI identifying a
// specific CA account", compared as a string, and more than one makes the property unsatisfiable (RFC 8657 section 3).
func (q Question) otherAccount(v issuevalue.Value) string {
	account, times := v.Get("accounturi")
	switch {
	case times == 0 || times == 1 && account == q.AccountURL && account != "":
		return ""
	case times > 1:
		return "it has several parameters accounturi, which no account meets; leave one"
	case q.AccountURL == "":
		return "for one account (accounturi), and this CA has no URLs of accounts before its operator sets its external URL"
	default:
		return "for another account (accounturi); that of this request is " + q.AccountURL
	}
}

// otherMethod judges the parameter validationmethods, a list of labels separated by commas (RFC 8657 section 4). Several
// are read as several accounturi are.
func (q Question) otherMethod(v issuevalue.Value) string {
	list, times := v.Get("validationmethods")
	labels := strings.Split(list, ",")
	switch {
	case times == 0:
		return ""
	case times > 1:
		return "it has several parameters validationmethods, which no method meets; leave one"
	case list != "" && slices.ContainsFunc(labels, isNoLabel):
		return "its validationmethods is no list of methods; correct it"
	case slices.ContainsFunc(labels, q.isMethod):
		return ""
	default:
		return fmt.Sprintf("not for names whose control was proven by %s (validationmethods)", orNone(q.Method))
	}
}

func orNone(m acme.Method) acme.Method {
	if m == "" {
		return "no method"
	}
	return m
}

// isNoLabel reports whether text is not 1*(ALPHA / DIGIT / "-").
func isNoLabel(text string) bool {
	return text == "" || strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-") != ""
}

// isMethod reports whether a label means the method by which control was proven: its ACME name, or that of its section in
// the Baseline Requirements (ballot SC-098). Labels are compared as they stand: their canonical form is lower case.
func (q Question) isMethod(label string) bool {
	return label != "" && (label == string(q.Method) || label == requirement(q.Method))
}

// requirement is the label of a method's section below BR 3.2.2.4.
func requirement(m acme.Method) string {
	switch m {
	case acme.DNS01:
		return "ca-tbr-7"
	case acme.HTTP01:
		return "ca-tbr-19"
	case acme.TLSALPN01:
		return "ca-tbr-20"
	case acme.DNSAccount01:
		return "ca-tbr-21"
	case acme.DNSPersist01:
		return "ca-tbr-22"
	default:
		return ""
	}
}
