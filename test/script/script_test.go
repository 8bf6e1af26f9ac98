// Package script runs the real binary in scripts: each file of testdata is a story of commands with what they must say.
//
// Beyond the commands of testscript the scripts know:
//
//	serve [FLAGS]         starts "everleaf serve" on free ports and waits until it says that it is ready; sets $DIRECTORY
//	halt                  ends the server as systemd does, and wants it to end well
//	exits CODE COMMAND    runs a command and wants this exit code
//	field PATH NAME       takes a value out of the JSON on stdout, like certificates.0.serial, into a variable
//	obtain NAME...        gets a certificate over http-01; sets $SERIAL, $ORDER, $ACCOUNT; "! obtain" wants a refusal
//	lookfrom PLACE [FLAGS] starts "everleaf validator" that trusts $TRUSTED; sets $PLACE_URL and $PLACE_KEY; "-stop PLACE" ends it
//	mislead NAME...       the same from a site that answers wrongly; sets $ORDER
//
// Every script has its own data folder, $EVERLEAF_DATA, and its own configuration file, everleaf.yaml.
package script

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/everleaf-pki/everleaf/internal/cli"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"everleaf": func() {
			os.Exit(cli.Run(context.Background(), os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}, os.Environ()))
		},
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		Setup:               setup,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_GOLDEN") != "",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve": serve, "halt": halt, "exits": exits, "field": field, "obtain": obtain, "mislead": mislead,
			"lookfrom": lookFrom,
		},
	})
}

// worldKey finds the world of a script.
type worldKey struct{}

// world is what the custom commands of one script share.
type world struct {
	server     *server
	validators map[string]*server
	site       *site
}

func setup(e *testscript.Env) error {
	w := &world{validators: map[string]*server{}}
	e.Values[worldKey{}] = w
	e.Defer(func() {
		w.server.kill()
		for _, v := range w.validators {
			v.kill()
		}
		w.site.close()
	})
	for name, value := range map[string]string{
		"EVERLEAF_DATA":   filepath.Join(e.WorkDir, "data"),
		"EVERLEAF_CONFIG": filepath.Join(e.WorkDir, "everleaf.yaml"),
	} {
		e.Setenv(name, value)
	}
	file, err := os.OpenFile(e.Getenv("EVERLEAF_CONFIG"), os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}

func worldOf(ts *testscript.TestScript) *world {
	w, _ := ts.Value(worldKey{}).(*world)
	return w
}

// exits runs a command and wants one exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARGUMENTS]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		code = exit.ExitCode()
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

// field takes a value out of the JSON of the command before.
func field(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: field PATH NAME")
	}
	var value any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &value))
	for step := range strings.SplitSeq(args[0], ".") {
		switch v := value.(type) {
		case map[string]any:
			value = v[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(v) {
				ts.Fatalf("there is no element %s in %s", step, args[0])
			}
			value = v[i]
		default:
			ts.Fatalf("there is nothing below %s in %s", step, args[0])
		}
	}
	text, ok := value.(string)
	if !ok || text == "" {
		ts.Fatalf("%s is %v, not a text", args[0], value)
	}
	ts.Setenv(args[1], text)
}
