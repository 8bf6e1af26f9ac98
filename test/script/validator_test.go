package script

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// lookFrom starts a validator in a place, or with -stop ends it.
func lookFrom(ts *testscript.TestScript, neg bool, args []string) {
	w := worldOf(ts)
	if neg || len(args) == 0 || w.site == nil {
		ts.Fatalf("usage: lookfrom PLACE [FLAGS] or lookfrom -stop PLACE, after serve")
	}
	if args[0] == "-stop" {
		w.validators[args[1]].kill()
		delete(w.validators, args[1])
		return
	}
	place := args[0]
	v := start(ts, place+".log", append([]string{
		"validator", "--data", ts.MkAbs(place), "--listen", "127.0.0.1:0", "--dns-resolver", "127.0.0.1:9",
		"--http01-port", strconv.Itoa(w.site.port()), "--trust", ts.Getenv("TRUSTED"),
	}, args[1:]...))
	w.validators[place] = v
	told := regexp.MustCompile(`--url (\S+) \\\n +--key (\S+)`).FindStringSubmatch(ts.ReadFile(v.log))
	if told == nil {
		ts.Fatalf("the validator does not say how to make it known:\n%s", ts.ReadFile(v.log))
	}
	ts.Setenv(strings.ToUpper(place)+"_URL", told[1])
	ts.Setenv(strings.ToUpper(place)+"_KEY", told[2])
}
