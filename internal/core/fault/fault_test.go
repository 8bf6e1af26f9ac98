package fault_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

func TestKindOf(t *testing.T) {
	notFound := fault.New(fault.NotFound, "There is no order %q.", "abc")
	driver := errors.New("disk I/O error")
	tests := []struct {
		name     string
		err      error
		kind     fault.Kind
		sentence string
	}{
		{"nil", nil, fault.Internal, ""},
		{"plain", driver, fault.Internal, ""},
		{"wrapped plain", fmt.Errorf("read: %w", driver), fault.Internal, ""},
		{"fault", notFound, fault.NotFound, `There is no order "abc".`},
		{"wrapped once", fmt.Errorf("finalize: %w", notFound), fault.NotFound, `There is no order "abc".`},
		{"wrapped twice", fmt.Errorf("door: %w", fmt.Errorf("finalize: %w", notFound)), fault.NotFound, `There is no order "abc".`},
		{"joined behind a plain one", errors.Join(driver, notFound), fault.NotFound, `There is no order "abc".`},
		{"with a cause", fault.Wrap(driver, fault.Unavailable, "Try again."), fault.Unavailable, "Try again."},
		{"the outer of two faults counts", fault.Wrap(notFound, fault.Unauthorized, "Not yours."), fault.Unauthorized, "Not yours."},
		{"the outer counts through wrapping", fault.Wrap(fmt.Errorf("read: %w", notFound), fault.Conflict, "Again."), fault.Conflict, "Again."},
		{"text alone carries nothing", errors.New(notFound.Error()), fault.Internal, ""},
		{"cut off by %v", fmt.Errorf("finalize: %v", notFound), fault.Internal, ""}, //nolint:errorlint // not wrapped on purpose
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := fault.KindOf(tt.err); got != tt.kind {
				t.Errorf("kind %q, want %q", got, tt.kind)
			}
			if got := fault.Sentence(tt.err); got != tt.sentence {
				t.Errorf("sentence %q, want %q", got, tt.sentence)
			}
			for _, kind := range []fault.Kind{fault.Internal, fault.NotFound, fault.Unauthorized, fault.Conflict, fault.Unavailable} {
				if got, want := fault.Is(tt.err, kind), tt.err != nil && kind == tt.kind; got != want {
					t.Errorf("Is %q: %v, want %v", kind, got, want)
				}
			}
		})
	}
}

// TestCauseIsReachable: what a fault wraps can still be asked for, and stays out of the public sentence.
func TestCauseIsReachable(t *testing.T) {
	err := fmt.Errorf("door: %w", fault.Wrap(fmt.Errorf("query: %w", context.Canceled), fault.Unavailable, "Order %d was not read.", 7))
	if !errors.Is(err, context.Canceled) {
		t.Error("the cause is lost")
	}
	refusal, ok := errors.AsType[*fault.Error](err)
	if !ok || refusal.Public != "Order 7 was not read." || refusal.Cause == nil {
		t.Errorf("got %+v", refusal)
	}
	if fault.New(fault.NotFound, "No.").Unwrap() != nil {
		t.Error("a cause from nowhere")
	}
}

func TestErrorText(t *testing.T) {
	for want, err := range map[string]error{
		"not found: No order.":                       fault.New(fault.NotFound, "No order."),
		"unavailable: Try again.: disk I/O error":    fault.Wrap(errors.New("disk I/O error"), fault.Unavailable, "Try again."),
		"malformed: 100% of it.":                     fault.New(fault.Malformed, "100%% of it."),
		"conflict: A.: not found: B.: no such table": fault.Wrap(fault.Wrap(errors.New("no such table"), fault.NotFound, "B."), fault.Conflict, "A."),
	} {
		if got := err.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestKindsAreDistinct: two names for one text would be one kind, and the doors would answer wrongly.
func TestKindsAreDistinct(t *testing.T) {
	kinds := []fault.Kind{
		fault.Internal, fault.Malformed, fault.Unauthorized, fault.NotFound, fault.Conflict, fault.NotReady, fault.Unavailable,
		fault.RateLimited, fault.BadNonce, fault.BadSignatureAlgorithm, fault.BadPublicKey, fault.BadCSR, fault.BadRevocationReason,
		fault.AlreadyRevoked, fault.AlreadyReplaced, fault.NoAccount, fault.ExternalAccountRequired, fault.InvalidContact,
		fault.UnsupportedContact, fault.UserActionRequired, fault.InvalidProfile, fault.RejectedIdentifier,
		fault.UnsupportedIdentifier, fault.CAA, fault.Connection, fault.DNS, fault.TLS, fault.IncorrectResponse, fault.NotServed,
	}
	seen := make(map[fault.Kind]bool)
	for _, kind := range kinds {
		if seen[kind] {
			t.Errorf("%q names two kinds", kind)
		}
		seen[kind] = true
	}
	var zero fault.Kind
	if zero != fault.Internal {
		t.Error("the zero kind is not Internal")
	}
}
