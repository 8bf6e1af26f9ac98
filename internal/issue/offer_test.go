package issue_test

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/issue"
)

// TestAProfileThatDoesNotExist is left out of the offer, told to the log once for each time that it turns up, and no
// hindrance for the others.
func TestAProfileThatDoesNotExist(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	var log bytes.Buffer
	s := h.service(func(e *issue.Engines, _ *issue.Options) { e.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	offer := func(names ...string) (offered []string) {
		r.Connector.Rules.Profiles = names
		for range 3 {
			profiles, err := s.Profiles(t.Context(), r.Connector)
			check(t, err)
			offered = nil
			for _, p := range profiles {
				offered = append(offered, p.Name)
			}
		}
		return offered
	}
	ask := func(profile string) error {
		asked := dns("a.example.com")
		asked.Profile = profile
		return second(s.NewOrder(t.Context(), r, asked))
	}
	if got := offer("shortlived", "gone", "default"); !slices.Equal(got, []string{"shortlived", "default"}) {
		t.Errorf("offered %v", got)
	}
	wantKind(t, ask("gone"), fault.InvalidProfile)
	check(t, ask("default"))
	check(t, ask(""))
	if got := strings.Count(log.String(), "profiles=gone"); got != 1 {
		t.Errorf("logged %d times:\n%s", got, log.String())
	}

	offer("default")
	offer("gone", "default")
	if got := strings.Count(log.String(), "profiles=gone"); got != 2 {
		t.Errorf("logged %d times after it turned up again", got)
	}
	wantKind(t, ask(""), fault.InvalidProfile) // the default is not replaced by something that nobody asked for
	check(t, ask("default"))

	if got := offer("gone"); len(got) != 0 {
		t.Errorf("offered %v", got)
	}
	for _, asked := range []string{"", "gone", "default"} {
		err := ask(asked)
		wantKind(t, err, fault.InvalidProfile)
		if !strings.Contains(fault.Sentence(err), "everleaf connector set") {
			t.Errorf("%q: %v", asked, err)
		}
	}
	r.Connector = policy.Connector{ID: "c", Rules: policy.DefaultRules()}
	wantKind(t, ask(""), fault.InvalidProfile)
}
