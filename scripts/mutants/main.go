// Command mutants switches each refusal of the product off by itself and wants a test to notice:
//
//	go run ./scripts/mutants [-run TEXT] [-workers 2]
//
// The refusals are found in the code: errors that are made and not passed on, findings, reasons. Each package is
// compiled once, from instrumented copies in which a variable of the environment names the refusal that is off;
// nothing of that is in the repository. The tests that reach a refusal are learnt first, and then run with it off, the
// quickest first, until one fails. The table of a whole run is written to docs/mutants.md.
//
// The exit code is 1 when a refusal can be switched off unnoticed and excused.txt does not say why that is right.
// What was learnt is kept in .cache/mutants: another run only repeats what a change of the code could have changed.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

var (
	// product is where refusals are looked for.
	product = []string{
		"internal/core/...", "internal/issue", "internal/manage", "internal/web", "internal/door/...", "internal/va/...", "internal/probe/...",
		"internal/ca/...", "internal/store/sqlite",
	}
	// tests is where somebody may notice.
	tests = append([]string{"internal/app", "internal/adminapi"}, product...)
)

const (
	work   = ".cache/mutants"
	table  = "docs/mutants.md"
	excuse = "scripts/mutants/excused.txt"
)

type options struct {
	root    string
	only    string
	workers int
	list    bool
}

func main() {
	var o options
	flag.StringVar(&o.only, "run", "", "switch off only the refusals whose name has this text; the table is not written")
	flag.IntVar(&o.workers, "workers", 2, "how many tests run at once")
	flag.BoolVar(&o.list, "list", false, "list the refusals and end")
	flag.Parse()
	if err := start(o); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

// start runs in the repository around, until it is done or interrupted.
func start(o options) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if o.root, err = filepath.Abs("."); err != nil {
		return err
	}
	return run(ctx, o, os.Stdout)
}

func run(ctx context.Context, o options, out io.Writer) error {
	refusals, err := find(o.root, product)
	if err != nil {
		return err
	}
	excuses, err := readExcuses(filepath.Join(o.root, excuse), refusals)
	if err != nil {
		return err
	}
	var chosen []refusal
	for _, r := range refusals {
		if strings.Contains(r.name(), o.only) {
			chosen = append(chosen, r)
		}
	}
	if o.list {
		for _, r := range chosen {
			fmt.Fprintln(out, r.name())
		}
		return nil
	}
	verdicts, err := try(ctx, o, refusals, chosen, out)
	if err != nil {
		return err
	}
	if o.only == "" {
		text := render(verdicts, excuses, time.Now())
		if err := os.WriteFile(filepath.Join(o.root, table), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return report(verdicts, excuses, out)
}

// try switches each of the chosen refusals off.
func try(ctx context.Context, o options, refusals, chosen []refusal, out io.Writer) ([]verdict, error) {
	l, err := newLaboratory(o.root, refusals, o.workers, out)
	if err != nil {
		return nil, err
	}
	if err := l.build(ctx, tests); err != nil {
		return nil, err
	}
	defer l.tellLitter()
	if err := l.learn(ctx); err != nil {
		return nil, err
	}
	return l.judge(ctx, chosen)
}

// report prints what nobody noticed.
func report(verdicts []verdict, excuses map[string]string, out io.Writer) error {
	unnoticed := 0
	for _, v := range verdicts {
		switch reason := excuses[v.refusal.name()]; {
		case v.test == "" && reason == "":
			unnoticed++
			fmt.Fprintf(out, "unnoticed: %s (%s)\n", v.refusal.name(), v.how)
		case v.test != "" && reason != "":
			unnoticed++
			fmt.Fprintf(out, "noticed by %s, so remove it from %s: %s\n", v.test, excuse, v.refusal.name())
		}
	}
	fmt.Fprintf(out, "%d refusals, %d to look at\n", len(verdicts), unnoticed)
	if unnoticed != 0 {
		return fmt.Errorf("%d refusals can be switched off unnoticed: write the test that notices, or the reason into %s", unnoticed, excuse)
	}
	return nil
}
