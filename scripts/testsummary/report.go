package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// slowest is how many slow tests the report lists, slow how long one has to take to be listed.
const (
	slowest = 10
	slow    = 1.0
)

// A test is one test or subtest.
type test struct {
	pkg, name string
	output    []string
	elapsed   float64
	ended     bool
	failed    bool
	skipped   bool
	parent    bool // has subtests
	subFailed bool // one of them failed
}

// A unit is one package under test.
type unit struct {
	name   string
	output []string
	order  []*test
	tests  map[string]*test
	ended  bool
}

type report struct {
	out    io.Writer
	units  map[string]*unit
	order  []*unit
	builds map[string][]string // output of the compiler by import path
	broken int                 // packages that failed without a failing test
}

func newReport(out io.Writer) *report {
	return &report{out: out, units: map[string]*unit{}, builds: map[string][]string{}}
}

// add takes one event in and reports whether it printed something.
func (r *report) add(e event) bool {
	switch e.Action {
	case "note":
		fmt.Fprint(r.out, e.Output)
		return true
	case "build-output":
		r.builds[e.ImportPath] = append(r.builds[e.ImportPath], e.Output)
		return false
	case "build-fail":
		return false
	}
	u := r.unit(e.Package)
	if e.Test == "" {
		return r.addToPackage(u, e)
	}
	t := u.test(e.Test)
	switch e.Action {
	case "output":
		t.output = append(t.output, e.Output)
	case "pass":
		t.end(e)
	case "skip":
		t.skipped = true
		t.end(e)
	case "fail":
		t.end(e)
		r.fail(u, t, fmt.Sprintf("(%.2fs)", e.Elapsed))
		return true
	}
	return false
}

func (r *report) unit(name string) *unit {
	u, known := r.units[name]
	if !known {
		u = &unit{name: name, tests: map[string]*test{}}
		r.units[name] = u
		r.order = append(r.order, u)
	}
	return u
}

// test returns the test of that name; a new one makes parents of those whose name is its prefix.
func (u *unit) test(name string) *test {
	t, known := u.tests[name]
	if !known {
		t = &test{pkg: u.name, name: name}
		u.tests[name] = t
		u.order = append(u.order, t)
		for a := range u.ancestors(name) {
			a.parent = true
		}
	}
	return t
}

// ancestors yields the tests that name is a subtest of.
func (u *unit) ancestors(name string) func(yield func(*test) bool) {
	return func(yield func(*test) bool) {
		for i := range name {
			if name[i] != '/' {
				continue
			}
			if a, known := u.tests[name[:i]]; known && !yield(a) {
				return
			}
		}
	}
}

// end closes the test; only a failing or skipped one is asked for its output again.
func (t *test) end(e event) {
	t.ended = true
	t.elapsed = e.Elapsed
	if e.Action == "pass" {
		t.output = nil
	}
}

// fail marks and prints a failed test, except a parent that has nothing to add to its subtests.
func (r *report) fail(u *unit, t *test, how string) {
	t.failed = true
	for a := range u.ancestors(t.name) {
		a.subFailed = true
	}
	said := t.said()
	if t.subFailed && len(said) == 0 {
		return
	}
	r.printBlock(fmt.Sprintf("--- FAIL %s %s %s", t.pkg, t.name, how), said)
}

// printBlock prints a heading and lines, of which the last may have been cut.
func (r *report) printBlock(heading string, lines []string) {
	text := strings.Join(lines, "")
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	fmt.Fprintf(r.out, "%s\n%s", heading, text)
}

// said is the test's output without the lines that the testing package frames it with.
func (t *test) said() []string {
	return slices.DeleteFunc(slices.Clone(t.output), func(line string) bool {
		line = strings.TrimLeft(line, " ")
		return strings.HasPrefix(line, "=== ") || strings.HasPrefix(line, "--- ")
	})
}

func (r *report) addToPackage(u *unit, e event) bool {
	switch e.Action {
	case "output":
		u.output = append(u.output, e.Output)
		return false
	case "pass", "skip":
		u.ended = true
		n := u.counts()
		if n.passed+n.failed+n.skipped > 0 {
			fmt.Fprintf(r.out, "ok   %s %.1fs, %s\n", u.name, e.Elapsed, n)
			return true
		}
		return false
	case "fail":
		u.ended = true
		r.failPackage(u, e)
		return true
	}
	return false
}

// failPackage prints what made the package fail, when no test has.
func (r *report) failPackage(u *unit, e event) {
	for _, t := range u.order {
		if !t.ended && !t.parent {
			r.fail(u, t, "(did not end)")
		}
	}
	n := u.counts()
	if n.failed == 0 {
		r.broken++
		r.printBlock("--- FAIL "+u.name+", no single test", slices.Concat(r.compiler(e.FailedBuild), u.output))
	}
	fmt.Fprintf(r.out, "FAIL %s %.1fs, %s\n", u.name, e.Elapsed, n)
}

// compiler returns what the compiler said of a package; many fail by one, so the second time that is not repeated.
func (r *report) compiler(path string) []string {
	said := r.builds[path]
	if said != nil {
		r.builds[path] = []string{path + " does not build: see above\n"}
	}
	return said
}

func (r *report) stillRunning() {
	var names []string
	for _, u := range r.order {
		for _, t := range u.order {
			if !u.ended && !t.ended && !t.parent {
				names = append(names, u.name+" "+t.name)
			}
		}
	}
	if len(names) == 0 {
		names = []string{"(compiling)"}
	}
	fmt.Fprintf(r.out, "still running: %s\n", strings.Join(names, ", "))
}

// counts are the numbers of the closing line.
type counts struct{ passed, failed, skipped int }

func (n counts) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", n.passed, n.failed, n.skipped)
}

func (u *unit) counts() counts {
	var n counts
	for _, t := range u.order {
		switch {
		case t.failed && !t.subFailed:
			n.failed++
		case t.parent:
		case t.skipped:
			n.skipped++
		case t.ended && !t.failed:
			n.passed++
		}
	}
	return n
}

// close prints the end of the report and says whether everything passed and something ran.
func (r *report) close(took time.Duration) bool {
	var total counts
	for _, u := range r.order {
		if !u.ended {
			r.failPackage(u, event{})
		}
		n := u.counts()
		total.passed += n.passed
		total.failed += n.failed
		total.skipped += n.skipped
	}
	total.failed += r.broken
	fmt.Fprintf(r.out, "\ntests took %s\n", took.Round(time.Second))
	r.printSlowest()
	r.printSkipped(total.skipped)
	if total.passed+total.failed == 0 {
		fmt.Fprintln(r.out, "no test ran")
	}
	fmt.Fprintln(r.out, total)
	return total.failed == 0 && total.passed > 0
}

func (r *report) printSlowest() {
	var tests []*test
	for _, u := range r.order {
		for _, t := range u.order {
			if !t.parent && t.elapsed >= slow {
				tests = append(tests, t)
			}
		}
	}
	slices.SortStableFunc(tests, func(a, b *test) int { return cmp.Compare(b.elapsed, a.elapsed) })
	if len(tests) > 0 {
		fmt.Fprintln(r.out, "\nslowest tests:")
	}
	for _, t := range tests[:min(len(tests), slowest)] {
		d := time.Duration(t.elapsed * float64(time.Second)).Round(100 * time.Millisecond)
		fmt.Fprintf(r.out, "%8s  %s %s\n", d, t.pkg, t.name)
	}
}

func (r *report) printSkipped(n int) {
	if n == 0 {
		return
	}
	fmt.Fprintf(r.out, "\nSKIPPED: %d tests did not run\n", n)
	for _, u := range r.order {
		for _, t := range u.order {
			if !t.skipped || t.parent {
				continue
			}
			reason := strings.TrimSpace(strings.Join(t.said(), ""))
			fmt.Fprintf(r.out, "  %s %s: %s\n", t.pkg, t.name, cmp.Or(reason, "no reason given"))
		}
	}
}
