package policy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// sights reads "here+ a+ripe b-": who saw the proof (+) or not (-), and where they stand.
func sights(text string) []policy.Sight {
	var list []policy.Sight
	for word := range strings.FieldsSeq(text) {
		at := strings.IndexAny(word, "+-")
		s := policy.Sight{Place: word[:at], Region: word[at+1:]}
		if word[at] == '-' {
			s.Failure = &acme.Failure{Kind: string(fault.Connection), Public: "No way from " + s.Place + "."}
		}
		list = append(list, s)
	}
	return list
}

func named(n int) []string {
	list := []string{policy.Here}
	for i := range n {
		list = append(list, fmt.Sprintf("p%d", i+1))
	}
	return list
}

// Proves BR-12, BR-13, CAA-09, INC-42, INC-43, INC-44.
func TestQuorumDecides(t *testing.T) {
	t.Parallel()
	five := policy.Quorum{Perspectives: named(5), Need: 4, Regions: 2}
	six := policy.Quorum{Perspectives: named(6), Need: 4, Regions: 2}
	for _, test := range []struct {
		about  string
		quorum policy.Quorum
		sights string
		want   string // begins the sentence; "" is agreement
	}{
		{"only this node", policy.Quorum{}, "here+", ""},
		{"only this node, which sees nothing", policy.Quorum{}, "here-", "No way from here."},
		{"all of all", policy.Quorum{Perspectives: named(2)}, "here+ p1+ p2+", ""},
		{"one lacks of all", policy.Quorum{Perspectives: named(2)}, "here+ p1+ p2-", "The proof was seen from 1 of 2 other places, and 2 are needed. One that did not see it says: No way from p2."},
		{"one of five fails", five, "here+ p1+ripe p2+arin p3+ripe p4+ripe p5-ripe", ""},
		{"two of five fail", five, "here+ p1+ripe p2+arin p3+ripe p4-ripe p5-ripe", "The proof was seen from 3 of 5"},
		{"two of six fail", six, "here+ p1+ripe p2+arin p3+ripe p4+ripe p5-ripe p6-arin", ""},
		{"three of six fail", six, "here+ p1+ripe p2+arin p3+ripe p4-ripe p5-ripe p6-arin", "The proof was seen from 3 of 6"},
		{"all from one region", five, "here+ p1+ripe p2+ripe p3+ripe p4+ripe p5+ripe", "The proof was seen from 1 regions, and 2 are needed"},
		{"the region of one that fails does not count", five, "here+ p1+ripe p2+ripe p3+ripe p4+ripe p5-arin", "The proof was seen from 1 regions"},
		{"the primary fails and all others agree", five, "here- p1+ripe p2+arin p3+ripe p4+ripe p5+ripe", "No way from here."},
		{"one did not even look", five, "here+ p1+ripe p2+arin p3+ripe", "The proof was seen from 3 of 5"},
		{"this node did not look", policy.Quorum{Perspectives: named(1)}, "p1+", "The CA's own node did not look"},
		{"a segment that this node cannot see", policy.Quorum{Perspectives: []string{"plant"}}, "plant+", ""},
		{"one of two segments is enough", policy.Quorum{Perspectives: []string{"plant", "office"}, Need: 1}, "plant- office+", ""},
	} {
		failure := test.quorum.Decide(sights(test.sights))
		switch {
		case test.want == "" && failure != nil:
			t.Errorf("%s: %s", test.about, failure.Public)
		case test.want != "" && (failure == nil || !strings.HasPrefix(failure.Public, test.want)):
			t.Errorf("%s: got %v, want %q", test.about, failure, test.want)
		}
	}
}

// What a place saw last in its turn counts, and what was looked for afterwards does not.
//
// Proves BR-12.
func TestSights(t *testing.T) {
	t.Parallel()
	failed := &acme.Failure{Public: "No."}
	got := policy.Sights([]acme.Attempt{
		{Failure: failed}, {}, {Perspective: "a"}, {Perspective: "b"}, {Perspective: "b", Failure: failed}, {}, {Perspective: "a", Failure: failed}, {Perspective: "b"},
	}, []policy.Perspective{{Name: "a", Region: "ripe"}})
	want := []policy.Sight{{Place: policy.Here}, {Place: "a", Region: "ripe"}, {Place: "b", Failure: failed}}
	if !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
	if got := policy.Sights(nil, nil); len(got) != 0 {
		t.Errorf("of nothing: %+v", got)
	}
}

// Proves BR-12, INC-87.
func TestQuorumForThePublic(t *testing.T) {
	t.Parallel()
	known := func(n int, region func(int) string) (list []policy.Perspective) {
		for i := range n {
			list = append(list, policy.Perspective{Name: fmt.Sprintf("p%d", i+1), Region: region(i)})
		}
		return list
	}
	spread := func(i int) string { return policy.Registries()[i%2] }
	day := func(month time.Month, seconds int) time.Time {
		return time.Date(2026, month, 15, 0, 0, 0, 0, time.UTC).Add(time.Duration(seconds) * time.Second)
	}
	for _, test := range []struct {
		about   string
		at      time.Time
		remotes int
		change  func(*policy.Quorum)
		region  func(int) string
		want    int // problems
	}{
		{"three before June", day(time.June, -1), 3, nil, spread, 0},
		{"three from June on", day(time.June, 0), 3, nil, spread, 1},
		{"four from June on", day(time.June, 1), 4, nil, spread, 0},
		{"four before December", day(time.December, -1), 4, nil, spread, 0},
		{"four from December on", day(time.December, 0), 4, nil, spread, 1},
		{"five from December on", day(time.December, 1), 5, nil, spread, 0},
		{"two may fail of five", day(time.December, 1), 5, func(q *policy.Quorum) { q.Need = 3 }, spread, 1},
		{"two may fail of six", day(time.December, 1), 6, func(q *policy.Quorum) { q.Need = 4 }, spread, 0},
		{"three may fail of six", day(time.December, 1), 6, func(q *policy.Quorum) { q.Need = 3 }, spread, 1},
		{"one region", day(time.December, 1), 5, func(q *policy.Quorum) { q.Regions = 1 }, spread, 1},
		{"no region", day(time.December, 1), 5, nil, func(int) string { return "cellar" }, 5},
		{"without this node", day(time.December, 1), 5, func(q *policy.Quorum) { q.Perspectives = q.Perspectives[1:] }, spread, 1},
	} {
		q := policy.Quorum{Perspectives: named(test.remotes), Need: test.remotes - 1, Regions: 2}
		if test.change != nil {
			test.change(&q)
		}
		if got := q.Public(known(test.remotes, test.region), test.at); len(got) != test.want {
			t.Errorf("%s: %q", test.about, got)
		}
	}
	if got := (policy.Quorum{}).Public(nil, day(time.December, 1)); len(got) != 2 {
		t.Errorf("this node alone: %q", got)
	}
}
