package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// slack is how much longer than without a mutant a test may take before it counts as failed, beside ten times its time.
const slack = 20 * time.Second

// A laboratory runs the tests of the instrumented code.
type laboratory struct {
	root, folder string
	overlay      string
	workers      int
	out          io.Writer
	binaries     []binary
	before       map[string]bool // what lay in the folders of the tests before they ran
	memory       memory
	mu           sync.Mutex // guards memory
}

// A binary is the tests of one package, compiled.
type binary struct {
	folder string // of the package, in the repository
	path   string
	sum    string
}

// A subject is one test.
type subject struct {
	binary binary
	name   string
	took   time.Duration
}

// A verdict says which test noticed that a refusal was off; none when test is "".
type verdict struct {
	refusal refusal
	folder  string
	test    string
	how     string
}

func newLaboratory(root string, refusals []refusal, workers int, out io.Writer) (*laboratory, error) {
	l := &laboratory{root: root, folder: filepath.Join(root, work), workers: workers, out: out}
	var err error
	if l.overlay, err = instrument(root, l.folder, refusals); err != nil {
		return nil, err
	}
	l.memory, err = remember(filepath.Join(l.folder, "memory.json"))
	return l, err
}

// build compiles the tests of each package.
func (l *laboratory) build(ctx context.Context, patterns []string) error {
	if err := os.MkdirAll(filepath.Join(l.folder, "bin"), 0o755); err != nil {
		return err
	}
	for _, folder := range folders(l.root, patterns) {
		if tests, _ := filepath.Glob(filepath.Join(l.root, folder, "*_test.go")); len(tests) == 0 {
			continue
		}
		b := binary{folder: folder, path: filepath.Join(l.folder, "bin", strings.ReplaceAll(folder, "/", "-"))}
		command := exec.CommandContext(ctx, "go", "test", "-c", "-trimpath", "-vet=off", "-overlay", l.overlay, "-o", b.path, "./"+folder)
		command.Dir, command.Env = l.root, append(os.Environ(), "CGO_ENABLED=0")
		if out, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("compile the tests of %s: %w\n%s", folder, err, out)
		}
		content, err := os.ReadFile(b.path)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		b.sum = hex.EncodeToString(sum[:8])
		l.binaries = append(l.binaries, b)
	}
	l.before = l.lying()
	return nil
}

// lying returns the files in the folders of the tests.
func (l *laboratory) lying() map[string]bool {
	files := map[string]bool{}
	for _, b := range l.binaries {
		names, _ := filepath.Glob(filepath.Join(l.root, b.folder, "*")) // the pattern is sound
		for _, name := range names {
			files[name] = true
		}
	}
	return files
}

// tellLitter names the files that a test with a refusal off left beside its sources: they are to be removed by hand.
func (l *laboratory) tellLitter() {
	for name := range l.lying() {
		if !l.before[name] {
			fmt.Fprintf(l.out, "left behind: %s\n", name)
		}
	}
}

// learn runs each test alone and remembers how long it takes and what it reaches.
func (l *laboratory) learn(ctx context.Context) error {
	var all []subject
	for _, b := range l.binaries {
		names, err := l.names(ctx, b)
		if err != nil {
			return err
		}
		for _, name := range names {
			if _, known := l.memory.Runs[b.sum+" "+name]; !known {
				all = append(all, subject{binary: b, name: name})
			}
		}
	}
	fmt.Fprintf(l.out, "%d packages of tests; learning what %d tests reach\n", len(l.binaries), len(all))
	return l.each(ctx, len(all), func(i int) error {
		s := all[i]
		file, err := os.CreateTemp(l.folder, "reached-")
		if err != nil {
			return err
		}
		defer os.Remove(file.Name()) //nolint:errcheck // below .cache, and read by then
		defer file.Close()
		began := time.Now()
		if out, err := l.run(ctx, s, 5*time.Minute, "REFUSALS_REACHED="+file.Name()); err != nil {
			return fmt.Errorf("%s of %s fails with every refusal on: %w\n%s", s.name, s.binary.folder, err, out)
		}
		r := ran{Took: time.Since(began)}
		for lines := bufio.NewScanner(file); lines.Scan(); {
			r.Reached = append(r.Reached, lines.Text())
		}
		l.keep(func(m *memory) { m.Runs[s.binary.sum+" "+s.name] = r })
		return nil
	})
}

// names lists the tests of a package.
func (l *laboratory) names(ctx context.Context, b binary) (names []string, err error) {
	command := exec.CommandContext(ctx, b.path, "-test.list", "^(Test|Fuzz)")
	command.Dir = filepath.Join(l.root, b.folder)
	out, err := command.Output()
	for line := range strings.Lines(string(out)) {
		if name := strings.TrimSpace(line); strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Fuzz") {
			names = append(names, name)
		}
	}
	return names, err
}

// run runs one test with further variables.
func (l *laboratory) run(ctx context.Context, s subject, limit time.Duration, variables ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	command := exec.CommandContext(ctx, s.binary.path, "-test.run", "^"+s.name+"$", "-test.failfast")
	command.Dir = filepath.Join(l.root, s.binary.folder)
	command.Env = append(os.Environ(), variables...)
	command.WaitDelay = time.Second
	out, err := command.CombinedOutput()
	return out[max(0, len(out)-4000):], err
}

// each runs fn for the numbers below n, several at a time, and stops at the first error.
func (l *laboratory) each(ctx context.Context, n int, fn func(int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var group sync.WaitGroup
	for range l.workers {
		group.Go(func() {
			for i := range next {
				if err := fn(i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := range n {
		select {
		case next <- i:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
	}
	close(next)
	group.Wait()
	return errors.Join(context.Cause(ctx), l.memory.save())
}

// judge switches each refusal off, and runs the tests that reach it until one notices.
func (l *laboratory) judge(ctx context.Context, refusals []refusal) ([]verdict, error) {
	verdicts := make([]verdict, len(refusals))
	began, done := time.Now(), 0
	err := l.each(ctx, len(refusals), func(i int) error {
		v, err := l.try(ctx, refusals[i])
		verdicts[i] = v
		l.mu.Lock()
		defer l.mu.Unlock()
		if done++; done%50 == 0 {
			fmt.Fprintf(l.out, "%d of %d refusals after %v\n", done, len(refusals), time.Since(began).Round(time.Second))
		}
		return err
	})
	return verdicts, err
}

func (l *laboratory) try(ctx context.Context, r refusal) (verdict, error) {
	v := verdict{refusal: r, how: "no test reaches it"}
	for _, s := range l.reaching(r) {
		key := r.id() + " " + s.binary.sum + " " + s.name
		noticed, known := l.recall(key)
		if !known {
			var err error
			if noticed, err = l.notices(ctx, s, r); err != nil {
				return v, err
			}
			l.keep(func(m *memory) { m.Noticed[key] = noticed })
		}
		if noticed {
			v.folder, v.test = s.binary.folder, s.name
			return v, nil
		}
		v.how = "no test that reaches it notices"
	}
	return v, nil
}

// notices runs a test with the refusal off. A test that does not end has noticed too.
func (l *laboratory) notices(ctx context.Context, s subject, r refusal) (bool, error) {
	out, err := l.run(ctx, s, 10*s.took+slack, "REFUSAL_OFF="+r.id())
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case bytes.Contains(out, []byte("no tests to run")):
		return false, fmt.Errorf("%s of %s is gone", s.name, s.binary.folder)
	default:
		return err != nil, nil
	}
}

// reaching returns the tests that reach the refusal: those of its own package first, the quickest first.
func (l *laboratory) reaching(r refusal) (all []subject) {
	l.mu.Lock()
	defer l.mu.Unlock()
	id := r.id()
	for _, b := range l.binaries {
		for key, run := range l.memory.Runs {
			if name, ok := strings.CutPrefix(key, b.sum+" "); ok && slices.Contains(run.Reached, id) {
				all = append(all, subject{b, name, run.Took})
			}
		}
	}
	home := func(s subject) int {
		if s.binary.folder == filepath.ToSlash(filepath.Dir(r.file)) {
			return 0
		}
		return 1
	}
	slices.SortFunc(all, func(a, b subject) int {
		return cmp.Or(cmp.Compare(home(a), home(b)), cmp.Compare(a.took, b.took), cmp.Compare(a.name, b.name))
	})
	return all
}
