// Package problem is the error document of ACME (RFC 8555 section 6.7, RFC 9457) and the one table from the kinds of
// package fault to what a requester sees: a registered type and a status. Nothing internal gets into a document.
package problem

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
)

// MediaType is the media type of a document.
const MediaType = "application/problem+json"

// Document is a problem document (RFC 8555 section 6.7).
type Document struct {
	Type   Type   `json:"type"`
	Detail string `json:"detail,omitempty"` // "Clients SHOULD display the 'detail' field of all errors."
	Status int    `json:"status,omitempty"` // the status of the reply (RFC 9457 section 3.1.2)

	// Instance goes with userActionRequired: "a URL that the client should direct a human user to visit in order for
	// instructions on how to agree to the terms" (section 7.3.3).
	Instance string `json:"instance,omitempty"`

	// Subproblems: "an ACME problem document MAY contain the 'subproblems' field, containing a JSON array of problem
	// documents" (section 6.7.1).
	Subproblems []Subproblem `json:"subproblems,omitempty"`

	// Algorithms goes with badSignatureAlgorithm, which "MUST include an 'algorithms' field with an array of supported
	// 'alg' values" (section 6.2).
	Algorithms []string `json:"algorithms,omitempty"`

	// RequestID names the request in the server's log. It is an extension for programs, which "SHOULD NOT parse the
	// 'detail' member for information" (RFC 9457 section 3.1.4).
	RequestID string `json:"request_id,omitempty"`
}

// InReplyTo returns the document as the answer to the request of this id. The id stands in detail as well, because most
// clients print nothing else, and people report what they see.
func (d Document) InReplyTo(request string) Document {
	d.RequestID = request
	d.Detail = fmt.Sprintf("%s (request %s)", d.Detail, request)
	return d
}

// Subproblem is the part of a problem that concerns one identifier: "The 'identifier' field MUST NOT be present at the
// top level in ACME problem documents. It can only be present in subproblems." (RFC 8555 section 6.7.1)
type Subproblem struct {
	Type       Type        `json:"type"`
	Detail     string      `json:"detail,omitempty"`
	Identifier *Identifier `json:"identifier,omitempty"`
}

// Identifier is an identifier as ACME writes it (RFC 8555 section 7.1.3).
type Identifier struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// From returns id as ACME writes it.
func From(id ident.Identifier) Identifier {
	return Identifier{Type: string(id.Type()), Value: id.Value()}
}

// Type is a type of the registry "ACME Error Types", without its prefix. Its text form has the prefix.
type Type string

const prefix = "urn:ietf:params:acme:error:"

// MarshalText writes the URN. A type that is a URI already, as one of another party can be, stays as it is.
func (t Type) MarshalText() ([]byte, error) {
	if strings.Contains(string(t), ":") {
		return []byte(t), nil
	}
	return []byte(prefix + string(t)), nil
}

// UnmarshalText reads what MarshalText writes.
func (t *Type) UnmarshalText(text []byte) error {
	*t = Type(strings.TrimPrefix(string(text), prefix))
	return nil
}

// hidden is all that a requester learns of an error that carries no kind.
const hidden = "The server met an unexpected condition; its log tells the operator which."

// FromError returns the document for err. Causes are left out; an error without a kind is serverInternal with a
// fixed text.
func FromError(err error) Document {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Kind == fault.Internal {
		return Document{Type: ServerInternal, Status: http.StatusInternalServerError, Detail: hidden}
	}
	answer := lookUp(f.Kind)
	d := Document{Type: answer.Type, Status: answer.Status, Detail: f.Public, Algorithms: f.Algorithms}
	for _, sub := range f.Subs {
		d.Subproblems = append(d.Subproblems, subproblem(sub))
	}
	return d
}

func subproblem(s fault.Sub) Subproblem {
	p := Subproblem{Type: lookUp(s.Kind).Type, Detail: s.Public}
	if !s.Identifier.IsZero() {
		id := From(s.Identifier)
		p.Identifier = &id
	}
	return p
}
