// Command testsummary turns the stream of `go test -json` into a report that a person reads:
//
//	go test -json ./... | testsummary
//
// A failing test is printed in full when it fails and each package when it ends. At the end stand the slowest
// tests, every skipped test with its reason, and as the last line "N passed, N failed, N skipped".
//
// A test with subtests is counted through them. A package that fails without a failing test (it does not build,
// its TestMain fails, its process dies, its stream ends early) counts as one failure.
// The exit code is 0 only when at least one test passed and none failed.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// quiet is how long the report says nothing before it names the tests that are still running.
const quiet = time.Minute

func main() {
	passed, err := run(os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testsummary:", err)
	}
	if err != nil || !passed {
		os.Exit(1)
	}
}

// run reports on the stream and says whether it passed.
func run(in io.Reader, out io.Writer) (bool, error) {
	began := time.Now()
	events := make(chan event)
	ended := make(chan error, 1)
	go func() {
		defer close(events)
		ended <- read(in, events)
	}()

	r := newReport(out)
	tick := time.NewTicker(quiet)
	defer tick.Stop()
	for open := true; open; {
		var e event
		select {
		case e, open = <-events:
			if open && r.add(e) {
				tick.Reset(quiet)
			}
		case <-tick.C:
			r.stillRunning()
		}
	}
	if err := <-ended; err != nil {
		return false, fmt.Errorf("reading the stream of go test: %w", err)
	}
	return r.close(time.Since(began)), nil
}

// event is one line of the stream; `go doc test2json` describes it.
type event struct {
	Action      string
	Package     string
	Test        string
	Output      string
	ImportPath  string // of build-output and build-fail
	FailedBuild string // in a package's fail: the ImportPath that did not build
	Elapsed     float64
}

// read sends the events of in. A line that is no event, such as a note of the go command, is sent as plain output.
func read(in io.Reader, events chan<- event) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) != nil || e.Action == "" {
				e = event{Action: "note", Output: string(line)}
			}
			events <- e
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
