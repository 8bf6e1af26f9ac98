package event_test

import (
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/event"
)

// What the check of a store, or a person years later, asks for is never routine.
func TestRoutine(t *testing.T) {
	routine := []event.Action{
		event.OrderCreated, event.OrderFailed,
		event.AuthorizationCreated, event.AuthorizationValid, event.AuthorizationInvalid, event.AuthorizationDeactivated,
		event.CRLPublished, event.LimitPaused,
	}
	stay := []event.Action{
		event.AccountCreated, event.AccountUpdated, event.AccountKeyChanged, event.AccountDeactivated, event.AccountRevoked,
		event.CertificateIssued, event.CertificateRevoked, event.KeysBlocked,
		event.OrganisationCreated, event.IssuerCreated, event.ProfileSaved, event.ConnectorSaved,
		event.CredentialCreated, event.CredentialSuspended, event.CredentialResumed, event.CredentialDeleted,
		event.ClockAccepted, event.LimitResumed, event.LimitReset, event.LimitOverridden, "",
	}
	for want, actions := range map[bool][]event.Action{true: routine, false: stay} {
		for _, a := range actions {
			if a.Routine() != want {
				t.Errorf("%q is routine: %t; want %t", a, a.Routine(), want)
			}
		}
	}
}
