package issue_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/caa"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/jws"
	"github.com/everleaf-pki/everleaf/internal/core/limit"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/issue"
)

// manner is how a call of an engine goes wrong.
type manner struct {
	name    string
	applied bool // what was asked is done, and reported as failed
	fatal   bool // nothing works after it until the next start
}

func manners() []manner {
	return []manner{
		{name: "fails before it is applied"},
		{name: "is applied and reported as failed", applied: true},
		{name: "is the last before a crash", fatal: true},
		{name: "is applied just before a crash", applied: true, fatal: true},
	}
}

// faults makes one call of the engines under it go wrong, and keeps which calls were made and what was signed.
type faults struct {
	mu     sync.Mutex
	at     int // which call goes wrong, counted from 1; 0: none
	manner manner
	calls  []string // the names, in their sequence
	down   bool     // after a fatal one
	signed [][]byte // every certificate that left a key, whether or not its caller learned of it
}

// call passes one call on, or lets it go wrong.
func (f *faults) call(name string, do func() error) error {
	f.mu.Lock()
	f.calls = append(f.calls, name)
	hit := len(f.calls) == f.at
	down := f.down
	f.down = f.down || hit && f.manner.fatal
	f.mu.Unlock()
	switch {
	case down:
		return broken(name)
	case !hit:
		return do()
	}
	if f.manner.applied {
		if err := do(); err != nil {
			return fmt.Errorf("the call that was to succeed in secret: %w", err)
		}
	}
	return broken(name)
}

func broken(name string) error {
	return fault.New(fault.Unavailable, "The test broke %s.", name)
}

func (f *faults) crashed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.down
}

// restart ends a crash: what comes now works.
func (f *faults) restart() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at, f.down = 0, false
}

func (f *faults) names() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

func (f *faults) keep(der []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.signed = append(f.signed, der)
}

// faultyStore breaks writes. What a broken read leaves behind is nothing.
type faultyStore struct {
	issue.Store
	faults *faults
}

func called[T any](f *faults, name string, do func() (T, error)) (result T, err error) {
	err = f.call(name, func() error {
		result, err = do()
		return err
	})
	if err != nil {
		var none T
		return none, err
	}
	return result, nil
}

func (s faultyStore) CreateAccount(
	ctx context.Context, a acme.Account, e event.Event, charges ...limit.Charge,
) (account acme.Account, created bool, err error) {
	account, err = called(s.faults, "CreateAccount", func() (acme.Account, error) {
		account, created, err = s.Store.CreateAccount(ctx, a, e, charges...)
		return account, err
	})
	return account, created && err == nil, err
}

func (s faultyStore) ChangeKey(ctx context.Context, account, old string, key jws.Key, e event.Event) (acme.Account, error) {
	return called(s.faults, "ChangeKey", func() (acme.Account, error) { return s.Store.ChangeKey(ctx, account, old, key, e) })
}

func (s faultyStore) EndAccount(ctx context.Context, account string, to acme.Status, e event.Event) (acme.Account, error) {
	return called(s.faults, "EndAccount", func() (acme.Account, error) { return s.Store.EndAccount(ctx, account, to, e) })
}

func (s faultyStore) CreateOrder(ctx context.Context, o acme.Order, created []acme.Authorization, e event.Event, charges ...limit.Charge) error {
	return s.faults.call("CreateOrder", func() error { return s.Store.CreateOrder(ctx, o, created, e, charges...) })
}

func (s faultyStore) Respond(ctx context.Context, authorization string, m acme.Method, keyAuthorization string, now time.Time) (acme.Authorization, error) {
	return called(s.faults, "Respond", func() (acme.Authorization, error) {
		return s.Store.Respond(ctx, authorization, m, keyAuthorization, now)
	})
}

func (s faultyStore) Conclude(ctx context.Context, c acme.Conclusion, e event.Event) (acme.Authorization, error) {
	return called(s.faults, "Conclude", func() (acme.Authorization, error) { return s.Store.Conclude(ctx, c, e) })
}

func (s faultyStore) BeginIssuance(ctx context.Context, i pki.Intent, charges ...limit.Charge) error {
	return s.faults.call("BeginIssuance", func() error { return s.Store.BeginIssuance(ctx, i, charges...) })
}

func (s faultyStore) RefuseIssuance(ctx context.Context, order string, checks []acme.Check, e event.Event) error {
	return s.faults.call("RefuseIssuance", func() error { return s.Store.RefuseIssuance(ctx, order, checks, e) })
}

func (s faultyStore) CompleteIssuance(ctx context.Context, intent string, der []byte, issued time.Time, e event.Event) error {
	return s.faults.call("CompleteIssuance", func() error { return s.Store.CompleteIssuance(ctx, intent, der, issued, e) })
}

func (s faultyStore) Revoke(ctx context.Context, certificate string, at time.Time, reason pki.Reason, block bool, e event.Event) (pki.Certificate, error) {
	return called(s.faults, "Revoke", func() (pki.Certificate, error) {
		return s.Store.Revoke(ctx, certificate, at, reason, block, e)
	})
}

func (s faultyStore) SaveCRL(ctx context.Context, crl pki.CRL, since time.Time, entries int, e event.Event) error {
	return s.faults.call("SaveCRL", func() error { return s.Store.SaveCRL(ctx, crl, since, entries, e) })
}

// faultySigner breaks signatures, of which a device may make one and lose its answer.
type faultySigner struct {
	issue.Signer
	faults *faults
}

func (s faultySigner) Prepare(ctx context.Context, r pki.Request) (pki.Prepared, error) {
	p, err := called(s.faults, "Prepare", func() (pki.Prepared, error) { return s.Signer.Prepare(ctx, r) })
	return faultyPrepared{p, s.faults}, err
}

func (s faultySigner) Resume(ctx context.Context, i pki.Issuer, spec pki.Spec, intent pki.Intent) (pki.Prepared, error) {
	p, err := s.Signer.Resume(ctx, i, spec, intent)
	return faultyPrepared{p, s.faults}, err
}

func (s faultySigner) SignCRL(ctx context.Context, r pki.CRLRequest) ([]byte, error) {
	return called(s.faults, "SignCRL", func() ([]byte, error) { return s.Signer.SignCRL(ctx, r) })
}

type faultyPrepared struct {
	pki.Prepared
	faults *faults
}

func (p faultyPrepared) Sign(ctx context.Context) ([]byte, error) {
	return called(p.faults, "Sign", func() ([]byte, error) {
		der, err := p.Prepared.Sign(ctx)
		if err == nil {
			p.faults.keep(der)
		}
		return der, err
	})
}

// faultyValidator loses the outcome of a look: the server is gone before it is recorded.
type faultyValidator struct {
	issue.Validator
	faults *faults
}

func (v faultyValidator) Validate(ctx context.Context, look policy.Look) (outcome acme.Outcome) {
	err := v.faults.call("Validate", func() error {
		outcome = v.Validator.Validate(ctx, look)
		return nil
	})
	if err != nil {
		return acme.Outcome{Failure: &acme.Failure{Kind: string(fault.Connection), Public: fault.Sentence(err), Identifier: look.Identifier}}
	}
	return outcome
}

func (v faultyValidator) CheckCAA(ctx context.Context, quorum policy.Quorum, q caa.Question) (outcome acme.Outcome) {
	err := v.faults.call("CheckCAA", func() error {
		outcome = v.Validator.CheckCAA(ctx, quorum, q)
		return nil
	})
	if err != nil {
		return acme.Outcome{Failure: &acme.Failure{Kind: string(fault.CAA), Public: fault.Sentence(err), Identifier: q.Name}}
	}
	return outcome
}
