package va_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/caa"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/va"
)

// view is what one look sees, and how long it takes.
type view struct {
	attempt acme.Attempt
	takes   time.Duration
}

func met() acme.Attempt { return acme.Attempt{Seen: "met"} }

func unreachable() acme.Attempt {
	return acme.Attempt{Seen: "refused", Failure: &acme.Failure{Kind: string(fault.Connection)}, Retryable: true}
}

func wrong() acme.Attempt {
	return acme.Attempt{Seen: "wrong", Failure: &acme.Failure{Kind: string(fault.IncorrectResponse)}}
}

// looker shows one view after the other, the last for ever, and notes when it was asked. Like a Prober it ends with ctx.
type looker struct {
	views []view
	start time.Time
	asked []time.Duration
	looks []policy.Look

	questions []caa.Question
}

func (l *looker) Look(ctx context.Context, look policy.Look) acme.Attempt {
	l.looks = append(l.looks, look)
	return l.next(ctx)
}

func (l *looker) LookCAA(ctx context.Context, q caa.Question) acme.Attempt {
	l.questions = append(l.questions, q)
	return l.next(ctx)
}

func (l *looker) next(ctx context.Context) acme.Attempt {
	v := l.views[min(len(l.asked), len(l.views)-1)]
	l.asked = append(l.asked, time.Since(l.start))
	select {
	case <-time.After(v.takes):
		return v.attempt
	case <-ctx.Done():
		return unreachable()
	}
}

func TestValidate(t *testing.T) {
	const s = time.Second
	tests := []struct {
		name    string
		options va.Options
		views   []view
		asked   []time.Duration // when looks began
		ends    time.Duration
		seen    string // by the last look
	}{
		{"met at once", va.DefaultOptions(), []view{{met(), 0}}, []time.Duration{0}, 0, "met"},
		{"wrong at once", va.DefaultOptions(), []view{{wrong(), s}}, []time.Duration{0}, s, "wrong"},
		{"met at the second look", va.DefaultOptions(), []view{{unreachable(), 0}, {met(), s}}, []time.Duration{0, 2 * s}, 3 * s, "met"},
		{"wrong at the second look", va.DefaultOptions(), []view{{unreachable(), 0}, {wrong(), 0}}, []time.Duration{0, 2 * s}, 2 * s, "wrong"},
		{"met at the third look", va.DefaultOptions(), []view{{unreachable(), s}, {unreachable(), s}, {met(), 0}}, []time.Duration{0, 3 * s, 9 * s}, 9 * s, "met"},
		{"never reachable", va.DefaultOptions(), []view{{unreachable(), 0}}, []time.Duration{0, 2 * s, 7 * s}, 7 * s, "refused"},
		{"no time for the third look", va.DefaultOptions(), []view{{unreachable(), 1500 * time.Millisecond}}, []time.Duration{0, 3500 * time.Millisecond}, 5 * s, "refused"},
		{"cut off", va.DefaultOptions(), []view{{unreachable(), 0}, {met(), 9 * s}}, []time.Duration{0, 2 * s}, 10 * s, "refused"},
		{"first look too long", va.DefaultOptions(), []view{{met(), 11 * s}}, []time.Duration{0}, 10 * s, "refused"},
		{"met in the last moment", va.DefaultOptions(), []view{{unreachable(), 0}, {unreachable(), 0}, {met(), 3*s - 1}}, []time.Duration{0, 2 * s, 7 * s}, 10*s - 1, "met"},
		{"no retries", va.Options{Total: 10 * s}, []view{{unreachable(), 0}}, []time.Duration{0}, 0, "refused"},
		{"own retries", va.Options{Retries: []time.Duration{s, s, s}, Total: 10 * s}, []view{{unreachable(), 0}}, []time.Duration{0, s, 2 * s, 3 * s}, 3 * s, "refused"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &looker{views: test.views, start: time.Now()}
				id, err := ident.ParseDNS("a.test")
				if err != nil {
					t.Fatal(err)
				}
				look := policy.Look{Identifier: id, Method: acme.HTTP01, Token: "token", KeyAuthorization: "token.thumbprint"}
				outcome := va.New(l, nil, test.options).Validate(t.Context(), look)
				if !cmp.Equal(l.asked, test.asked) || time.Since(l.start) != test.ends {
					t.Errorf("looked at %v and ended at %v, want %v and %v", l.asked, time.Since(l.start), test.asked, test.ends)
				}
				if len(outcome.Attempts) != len(test.asked) {
					t.Fatalf("%d attempts are kept, want %d", len(outcome.Attempts), len(test.asked))
				}
				last := outcome.Attempts[len(outcome.Attempts)-1]
				if last.Seen != test.seen || (outcome.Failure == nil) != (last.Failure == nil) || (outcome.Failure == nil) != (test.seen == "met") {
					t.Errorf("saw %q with failure %v, want %q", last.Seen, outcome.Failure, test.seen)
				}
				for _, got := range l.looks {
					if diff := cmp.Diff(look, got, cmp.AllowUnexported(ident.Identifier{})); diff != "" {
						t.Errorf("look (-want +got):\n%s", diff)
					}
				}
			})
		})
	}
}

// TestValidateInterrupted stops waiting as soon as the caller does.
func TestValidateInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		l := &looker{views: []view{{unreachable(), 0}}, start: time.Now()}
		outcome := va.New(l, nil, va.Options{Retries: []time.Duration{time.Second, time.Second, time.Hour}, Total: 2 * time.Hour}).Validate(ctx, policy.Look{})
		if len(outcome.Attempts) != 3 || time.Since(l.start) > 3*time.Second {
			t.Errorf("%d attempts in %v", len(outcome.Attempts), time.Since(l.start))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		l := &looker{views: []view{{unreachable(), 0}}, start: time.Now()}
		outcome := va.New(l, nil, va.DefaultOptions()).Validate(ctx, policy.Look{})
		if len(outcome.Attempts) != 1 || time.Since(l.start) != time.Second || ctx.Err() == nil {
			t.Errorf("%d attempts in %v", len(outcome.Attempts), time.Since(l.start))
		}
	})
}

// Proves CAA-08, INC-13. A look-up that fails is tried again once, before which nothing is passed over; what records say
// is final.
func TestCheckCAA(t *testing.T) {
	const s = time.Second
	refused := acme.Attempt{Seen: "refused by a record", Failure: &acme.Failure{Kind: string(fault.CAA)}}
	failed := acme.Attempt{Seen: "SERVFAIL", Failure: &acme.Failure{Kind: string(fault.CAA)}, Retryable: true}
	tests := []struct {
		name    string
		mayFail bool
		views   []view
		asked   []time.Duration
		passes  []bool // which looks might pass over a failure
		seen    string
	}{
		{"allowed", true, []view{{met(), 0}}, []time.Duration{0}, []bool{false}, "met"},
		{"refused", true, []view{{refused, s}}, []time.Duration{0}, []bool{false}, "refused by a record"},
		{"failed, then allowed", false, []view{{failed, 0}, {met(), 0}}, []time.Duration{0, 2 * s}, []bool{false, false}, "met"},
		{"failed, then refused", false, []view{{failed, 0}, {refused, 0}}, []time.Duration{0, 2 * s}, []bool{false, false}, "refused by a record"},
		{"failed twice", false, []view{{failed, 4 * s}}, []time.Duration{0, 6 * s}, []bool{false, false}, "SERVFAIL"},
		{"failed, then perhaps passed over", true, []view{{failed, 0}, {met(), 0}}, []time.Duration{0, 2 * s}, []bool{false, true}, "met"},
		{"failed twice where it may", true, []view{{failed, 0}}, []time.Duration{0, 2 * s}, []bool{false, true}, "SERVFAIL"},
		{"no time to try again", true, []view{{failed, 19 * s}}, []time.Duration{0}, []bool{false}, "SERVFAIL"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &looker{views: test.views, start: time.Now()}
				outcome := va.New(l, nil, va.DefaultOptions()).CheckCAA(t.Context(), policy.Quorum{}, caa.Question{Identities: []string{"ca.example.net"}, MayFail: test.mayFail})
				var passes []bool
				for _, q := range l.questions {
					passes = append(passes, q.MayFail)
				}
				if !cmp.Equal(l.asked, test.asked) || !cmp.Equal(passes, test.passes) {
					t.Errorf("looked at %v, passing over %v; want %v and %v", l.asked, passes, test.asked, test.passes)
				}
				last := outcome.Attempts[len(outcome.Attempts)-1]
				if len(outcome.Attempts) != len(test.asked) || last.Seen != test.seen || (outcome.Failure == nil) != (last.Failure == nil) {
					t.Errorf("%+v", outcome)
				}
			})
		})
	}
}
