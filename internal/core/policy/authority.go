package policy

import (
	"fmt"
	"slices"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
)

// Authority is what decides about a requester: the rules of the connector, and within them the scope of the credential
// by which the account came in. Every door asks it, and nothing else decides.
type Authority struct {
	Connector  Connector
	Credential Credential // the zero value: the account came in without one
}

// Objection is one rule that says no.
type Objection struct {
	Identifier ident.Identifier // what it refuses; zero: the request as a whole
	By         string           // whose rule it is: "connector" or "credential"
	Name       string           // of that connector or credential
	Rule       string           // the rule as it is declared, like "names" or "scope.profiles"; "suspended" and "expires" too
	Kind       fault.Kind
	Reason     string // one public sentence
}

// Decide returns everything that stands against a certificate for ids by a profile ("" asks for the default) at now.
// None means that it would be issued once the names are proven.
func (a Authority) Decide(ids []ident.Identifier, profile string, now time.Time) []Objection {
	found := append(a.closed(now), a.againstNames(ids)...)
	if _, objection := a.chooseProfile(profile); objection != nil {
		found = append(found, *objection)
	}
	return found
}

// Judge decides whether ids may be ordered together. The error names each refused identifier with its reason;
// nil means that all may.
func (a Authority) Judge(ids []ident.Identifier) error {
	var subs []fault.Sub
	refused := make(map[ident.Identifier]bool)
	for _, o := range a.againstNames(ids) {
		if o.Identifier.IsZero() {
			return fault.New(o.Kind, "%s", o.Reason)
		}
		if !refused[o.Identifier] {
			refused[o.Identifier] = true
			subs = append(subs, fault.Sub{Kind: o.Kind, Public: o.Reason, Identifier: o.Identifier})
		}
	}
	return Refusal(subs)
}

// Profile returns the name of the profile that an order gets: the one asked for, or the default, which is the first on
// offer that the scope allows. Error: InvalidProfile.
func (a Authority) Profile(asked string) (string, error) {
	name, objection := a.chooseProfile(asked)
	if objection != nil {
		return "", fault.New(objection.Kind, "%s", objection.Reason)
	}
	return name, nil
}

// PreApproves reports whether the credential vouches for id: its accounts need no challenge for it. A wildcard is
// pre-approved only by a rule that covers the wildcard, and nothing is that could not be ordered.
func (a Authority) PreApproves(id ident.Identifier) bool {
	return covered(a.Credential.Scope.PreApproved, id) && a.Credential.Scope.Admits(id) && a.Connector.Rules.names(id)
}

// closed tells of a door that lets nobody in at now.
func (a Authority) closed(now time.Time) (found []Objection) {
	if !a.Connector.Suspended.IsZero() {
		found = append(found, a.byConnector("suspended", fault.Unauthorized, "This connector is suspended; ask the operator of the CA."))
	}
	if usable, reason := a.Credential.Usable(now); !usable {
		rule := "suspended"
		if a.Credential.Suspended.IsZero() {
			rule = "expires"
		}
		found = append(found, a.byCredential(rule, fault.Unauthorized, "The account is stopped: "+reason+"."))
	}
	return found
}

func (a Authority) againstNames(ids []ident.Identifier) []Objection {
	most := a.Connector.Rules.MaxIdentifiers
	switch {
	case len(ids) == 0:
		return []Objection{a.byConnector("max_identifiers", fault.Malformed, "The order names no identifiers; name at least one.")}
	case len(ids) > most:
		return []Objection{a.byConnector("max_identifiers", fault.RejectedIdentifier,
			fmt.Sprintf("The order names %d identifiers; %d are allowed in one certificate.", len(ids), most))}
	}
	var found []Objection
	for _, id := range ids {
		found = append(found, a.againstName(id)...)
	}
	return found
}

func (a Authority) againstName(id ident.Identifier) (found []Objection) {
	object := func(o Objection) {
		o.Identifier = id
		found = append(found, o)
	}
	if !a.Connector.Rules.names(id) {
		object(a.byConnector("names", fault.RejectedIdentifier, fmt.Sprintf("%s is not among the names that this connector may certify.", id)))
	}
	if !a.Credential.Scope.Admits(id) {
		object(a.byCredential("scope.names", fault.RejectedIdentifier, fmt.Sprintf("%s is outside the scope of the credential by which this account "+
			"came in (key id %s); ask the operator of the CA for it.", id, a.Credential.ID)))
	}
	if len(a.Connector.Rules.MethodsFor(id)) == 0 && !a.PreApproves(id) {
		object(a.byConnector("methods", fault.RejectedIdentifier, fmt.Sprintf("No challenge on offer can prove control of %s.", id)))
	}
	return found
}

// names reports whether the connector may certify id.
func (r Rules) names(id ident.Identifier) bool { return len(r.Names) == 0 || covered(r.Names, id) }

func (a Authority) chooseProfile(asked string) (string, *Objection) {
	allowed := a.Credential.Scope.Profiles
	if asked == "" && len(allowed) > 0 {
		i := slices.IndexFunc(a.Connector.Rules.Profiles, func(name string) bool { return slices.Contains(allowed, name) })
		if i < 0 {
			o := a.byCredential("scope.profiles", fault.InvalidProfile,
				"This connector offers no profile that is in the scope of the credential by which this account came in; ask the operator of the CA.")
			return "", &o
		}
		return a.Connector.Rules.Profiles[i], nil
	}
	name, err := a.Connector.Rules.Profile(asked)
	if err != nil {
		o := a.byConnector("profiles", fault.KindOf(err), fault.Sentence(err))
		return "", &o
	}
	if len(allowed) > 0 && !slices.Contains(allowed, name) {
		o := a.byCredential("scope.profiles", fault.InvalidProfile, fmt.Sprintf("The profile %q is outside the scope of the credential by which "+
			"this account came in (key id %s); ask the operator of the CA for it.", name, a.Credential.ID))
		return "", &o
	}
	return name, nil
}

func (a Authority) byConnector(rule string, kind fault.Kind, reason string) Objection {
	return Objection{By: "connector", Name: a.Connector.Name, Rule: rule, Kind: kind, Reason: reason}
}

func (a Authority) byCredential(rule string, kind fault.Kind, reason string) Objection {
	return Objection{By: "credential", Name: a.Credential.Name, Rule: rule, Kind: kind, Reason: reason}
}
