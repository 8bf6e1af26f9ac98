package issue

import (
	"context"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/caa"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// permissive says yes, also when nobody waits for it any more.
type permissive struct{ Validator }

func (permissive) CheckCAA(context.Context, policy.Quorum, caa.Question) acme.Outcome {
	return acme.Outcome{}
}

// Proves CAA-08. A look for CAA records that was cut off permits nothing.
func TestCAACutOff(t *testing.T) {
	s := &Service{validator: permissive{}}
	ctx, cancel := context.WithCancel(t.Context())
	if c := s.check(ctx, policy.Quorum{}, caa.Question{}); c.Failure != nil {
		t.Errorf("in time: %+v", c.Failure)
	}
	cancel()
	if c := s.check(ctx, policy.Quorum{}, caa.Question{}); c.Failure == nil || c.Failure.Kind != string(fault.CAA) {
		t.Errorf("cut off: %+v", c.Failure)
	}
}

// Proves CAA-07, INC-6. An answer for another name is none.
func TestCAAAnswersBelongToNames(t *testing.T) {
	one, err := ident.ParseDNS("one.example.com")
	if err != nil {
		t.Fatal(err)
	}
	two, err := ident.ParseDNS("two.example.com")
	if err != nil {
		t.Fatal(err)
	}
	questions := []caa.Question{{Name: one}, {Name: two}}
	if err := judgeCAA(questions, []acme.Check{{Identifier: one}, {Identifier: two}}); err != nil {
		t.Error(err)
	}
	err = judgeCAA(questions, []acme.Check{{Identifier: one}, {Identifier: one}})
	if f, ok := err.(*fault.Error); !ok || f.Kind != fault.CAA || len(f.Subs) != 1 || f.Subs[0].Identifier != two { //nolint:errorlint // nothing wraps it
		t.Errorf("%+v", err)
	}
}
