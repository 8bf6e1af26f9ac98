package manage

import (
	"context"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// maxPerspectives bounds how many validators an installation has.
const maxPerspectives = 50

// aliveLimit is how long an operator waits to hear whether a validator can be asked.
const aliveLimit = 3 * time.Second

// Validators reaches the validators on other machines.
type Validators interface {
	// Key names this installation: what its validators must be told to trust.
	Key() (pki.KeyHash, error)
	// Alive returns why a validator cannot be asked now; nil when it can.
	Alive(ctx context.Context, p policy.Perspective) error
}

// PerspectiveView is a perspective as it is found now.
type PerspectiveView struct {
	policy.Perspective
	Problem string // why it cannot be asked now; "" when it can
}

// NewPerspective is what an operator asks for with CreatePerspective.
type NewPerspective struct {
	Name   string
	URL    string
	Key    string // SHA-256 in hexadecimal, as the validator prints it
	Region string
}

// ValidationKey returns by which key the validators know this installation.
func (s *Service) ValidationKey() (pki.KeyHash, error) { return s.validators.Key() }

// CreatePerspective makes a validator known. It looks for nobody until a connector's quorum names it, and it need not run
// yet. Errors: Malformed, with everything that is wrong; Conflict when the name is taken.
func (s *Service) CreatePerspective(ctx context.Context, by Actor, n NewPerspective) (PerspectiveView, error) {
	all, err := s.store.Perspectives(ctx)
	if err != nil {
		return PerspectiveView{}, err
	}
	p, err := n.read()
	switch {
	case err != nil:
		return PerspectiveView{}, err
	case len(all) >= maxPerspectives:
		return PerspectiveView{}, fault.New(fault.Malformed, "There are %d perspectives, and more are not possible; remove one first.", len(all))
	}
	if p.ID, err = s.newID(); err != nil {
		return PerspectiveView{}, err
	}
	p.Created = s.now()
	o, err := s.organisation(ctx, Default)
	if err != nil {
		return PerspectiveView{}, err
	}
	e, err := s.happening(by, event.PerspectiveCreated, o.ID, p.ID, p.Name+" at "+p.URL)
	if err != nil {
		return PerspectiveView{}, err
	}
	if err := s.store.CreatePerspective(ctx, p, e); err != nil {
		return PerspectiveView{}, err
	}
	return s.findPerspectives(ctx, p)[0], nil
}

func (n NewPerspective) read() (policy.Perspective, error) {
	var found findings
	if err := checkName("a perspective", n.Name); err != nil {
		found.expect(false, "%s", fault.Sentence(err))
	}
	found.expect(n.Name != policy.Here, "The name %q means the CA's own node; choose another.", policy.Here)
	u, err := url.Parse(n.URL)
	found.expect(err == nil && u.Scheme == "https" && u.Host != "" && n.URL == "https://"+u.Host,
		"%q is not the URL of a validator; write https://HOST:PORT.", clip(n.URL))
	key, err := hex.DecodeString(strings.NewReplacer(":", "", " ", "").Replace(n.Key))
	found.expect(err == nil && len(key) == len(pki.KeyHash{}), "%q is not the key of a validator; copy the 64 hexadecimal digits that it prints at its start.", clip(n.Key))
	found.expect(len(n.Region) <= maxRegion && strings.IndexFunc(n.Region, func(r rune) bool { return r < '!' || r > '~' }) < 0,
		"%q is not a region; write one short word, for public certificates one of %v.", clip(n.Region), policy.Registries())
	if len(found) > 0 {
		return policy.Perspective{}, fault.New(fault.Malformed, "%s", strings.Join(found, " "))
	}
	return policy.Perspective{Name: n.Name, URL: n.URL, Key: pki.KeyHash(key), Region: n.Region}, nil
}

// maxRegion is the length of the word for a region.
const maxRegion = 40

// Perspectives returns every perspective, by name, as it is found now.
func (s *Service) Perspectives(ctx context.Context) ([]PerspectiveView, error) {
	all, err := s.store.Perspectives(ctx)
	if err != nil {
		return nil, err
	}
	return s.findPerspectives(ctx, all...), nil
}

// Perspective returns a perspective by its name. Error: NotFound, with the names that exist.
func (s *Service) Perspective(ctx context.Context, name string) (PerspectiveView, error) {
	p, err := s.perspective(ctx, name)
	if err != nil {
		return PerspectiveView{}, err
	}
	return s.findPerspectives(ctx, p)[0], nil
}

func (s *Service) perspective(ctx context.Context, name string) (policy.Perspective, error) {
	p, err := s.store.PerspectiveByName(ctx, name)
	if !fault.Is(err, fault.NotFound) {
		return p, err
	}
	names, err := s.perspectiveNames(ctx)
	if err != nil {
		return p, err
	}
	return p, unknown("perspective", name, names)
}

func (s *Service) perspectiveNames(ctx context.Context) ([]string, error) {
	all, err := s.store.Perspectives(ctx)
	var names []string
	for _, p := range all {
		names = append(names, p.Name)
	}
	return names, err
}

// findPerspectives asks each validator at once whether it can be asked.
func (s *Service) findPerspectives(ctx context.Context, all ...policy.Perspective) []PerspectiveView {
	ctx, cancel := context.WithTimeout(ctx, aliveLimit)
	defer cancel()
	views := make([]PerspectiveView, len(all))
	var asking sync.WaitGroup
	for i, p := range all {
		views[i].Perspective = p
		asking.Go(func() {
			if err := s.validators.Alive(ctx, p); err != nil {
				views[i].Problem = fault.Sentence(err)
			}
		})
	}
	asking.Wait()
	return views
}

// CheckQuorums wants, for every connector that is not suspended, enough validators that can be asked now. Error:
// Unavailable, with the first connector that has not enough of them, and why.
func (s *Service) CheckQuorums(ctx context.Context) error {
	connectors, err := s.store.Connectors(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(connectors, func(c policy.Connector) bool { return len(c.Rules.Quorum.Others()) > 0 }) {
		return nil
	}
	found, err := s.Perspectives(ctx)
	if err != nil {
		return err
	}
	for _, c := range connectors {
		if err := enough(c, found); err != nil && c.Suspended.IsZero() {
			return err
		}
	}
	return nil
}

// enough wants as many validators that can be asked as the connector's quorum needs.
func enough(c policy.Connector, found []PerspectiveView) error {
	others := c.Rules.Quorum.Others()
	answering, problem := 0, "it is not known"
	for _, p := range found {
		switch {
		case !slices.Contains(others, p.Name):
		case p.Problem == "":
			answering++
		default:
			problem = p.Problem
		}
	}
	if answering >= c.Rules.Quorum.Needed() {
		return nil
	}
	return fault.New(fault.Unavailable, "The quorum of the connector %s needs %d of its validators, and only %d can be asked: %s", c.Name, c.Rules.Quorum.Needed(), answering, problem)
}

// DeletePerspective forgets a validator. It returns what it was. Errors: NotFound; Conflict while the quorum of a
// connector names it.
func (s *Service) DeletePerspective(ctx context.Context, by Actor, name string) (PerspectiveView, error) {
	p, err := s.perspective(ctx, name)
	if err != nil {
		return PerspectiveView{}, err
	}
	o, err := s.organisation(ctx, Default)
	if err != nil {
		return PerspectiveView{}, err
	}
	e, err := s.happening(by, event.PerspectiveDeleted, o.ID, p.ID, p.Name)
	if err != nil {
		return PerspectiveView{}, err
	}
	return PerspectiveView{Perspective: p}, s.store.DeletePerspective(ctx, p.ID, e)
}

// checkQuorum adds what is wrong with a quorum; known are the names of the perspectives that exist.
func checkQuorum(found *findings, q policy.Quorum, known []string) {
	checkEach(found, "quorum.perspectives", q.Perspectives, func(name string) string {
		return unless(name == policy.Here || slices.Contains(known, name),
			"there is none of this name; there are: "+strings.Join(append([]string{policy.Here}, known...), ", "))
	})
	others := len(q.Others())
	found.expect(q.Need >= 0 && q.Need <= others, "quorum.need: %d is not from 0 (all) to %d, the number of perspectives beyond the CA's own node; change it, or name more perspectives.", q.Need, others)
	found.expect(q.Regions >= 0 && q.Regions <= others, "quorum.regions: %d is not from 0 (any) to %d, the number of perspectives beyond the CA's own node; change it, or name more perspectives.", q.Regions, others)
}
