package limit

import (
	"fmt"
	"strings"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/span"
)

// Kind is what a limit counts, and for whom. The text is stable: it is declared, stored and shown.
type Kind string

// The kinds.
const (
	AccountsPerAddress    Kind = "accounts-per-address"    // new accounts of one client address, see Address
	AccountsPerCredential Kind = "accounts-per-credential" // new accounts that came in by one credential
	OrdersPerAccount      Kind = "orders-per-account"      // new orders of one account; pre-authorizations count as orders
	OrdersPerCredential   Kind = "orders-per-credential"   // of all accounts that came in by one credential
	OrdersPerDomain       Kind = "orders-per-domain"       // that name something in one registered domain, see Domain; whoever asks
	OrdersPerIdentifier   Kind = "orders-per-identifier"   // that name one identifier; whoever asks
	OrdersPerSet          Kind = "orders-per-set"          // that name exactly one set of identifiers; whoever asks
	CertificatesPerSet    Kind = "certificates-per-set"    // issued for exactly one set of identifiers; whoever asks
	RenewalsPerAddress    Kind = "renewals-per-address"    // questions for renewal information; in memory, each node for itself
	FailedValidations     Kind = "failed-validations"      // of one identifier by one account
	FailuresInARow        Kind = "failures-in-a-row"       // likewise without a success, after which the account pauses for the identifier
)

// about is what a kind is called in sentences, and what holds where nobody declares another.
type about struct {
	kind    Kind
	unit    string // what is counted
	subject string // for whom, with %s for the subject
	usual   Rate
}

const hour = span.Span(time.Hour)

// kinds returns the table of all kinds, in the order in which they are shown. What is on from the start is what no honest
// client meets: it stops loops and floods. The others have numbers that only the operator of a CA can know.
func kinds() []about {
	return []about{
		{AccountsPerAddress, "new accounts", "from the address %s", Rate{1000, hour}},
		{AccountsPerCredential, "new accounts", "with the credential %s", Rate{}},
		{OrdersPerAccount, "new orders", "of this account", Rate{}},
		{OrdersPerCredential, "new orders", "with the credential %s", Rate{}},
		{OrdersPerDomain, "new orders", "for names of %s", Rate{}},
		{OrdersPerIdentifier, "new orders", "for %s", Rate{}},
		{OrdersPerSet, "new orders", "for exactly these names", Rate{}},
		{CertificatesPerSet, "certificates", "for exactly these names", Rate{}},
		{RenewalsPerAddress, "questions for renewal information", "from the address %s", Rate{600, hour / 60}},
		{FailedValidations, "failed validations", "of %s by this account", Rate{60, hour}},
		{FailuresInARow, "failed validations in a row", "of %s by this account", Rate{Count: 100}},
	}
}

// Kinds returns all kinds, in the order in which they are shown.
func Kinds() []Kind {
	var all []Kind
	for _, a := range kinds() {
		all = append(all, a.kind)
	}
	return all
}

// Usual is the rate of a kind where nobody declares another.
func (k Kind) Usual() Rate { return k.about().usual }

// InARow reports whether the rates of a kind have no period.
func (k Kind) InARow() bool { return k == FailuresInARow }

func (k Kind) about() about {
	for _, a := range kinds() {
		if a.kind == k {
			return a
		}
	}
	return about{kind: k, unit: string(k), subject: "for %s"}
}

// sentence says what a rate allows.
func (k Kind) sentence(r Rate, shown string) string {
	a := k.about()
	return fmt.Sprintf("%d %s %s are allowed in %s, and all are taken.", r.Count, a.unit, strings.ReplaceAll(a.subject, "%s", shown), r.Period)
}
