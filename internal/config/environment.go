package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/everleaf-pki/everleaf/internal/config/spelling"
)

// prefix begins the names of all variables of this program.
const prefix = "EVERLEAF_"

// passphraseVariable holds the passphrase itself, which no setting does.
const passphraseVariable = prefix + "PASSPHRASE"

// fromCluster matches what Kubernetes puts into the environment of every container for a service whose name begins with
// everleaf. Nobody wrote it there and nobody can mend it.
var fromCluster = regexp.MustCompile(`_SERVICE_HOST$|_SERVICE_PORT(_|$)|_PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$`)

// checkVariables refuses variables that look like ours and are not: a slip in a name would otherwise leave a default in
// force that nobody wanted. Variables without a value are as if they were not there.
func checkVariables(s Sources) error {
	known := knownVariables()
	var problems []error
	for _, name := range slices.Sorted(slices.Values(s.Variables)) {
		if !strings.HasPrefix(name, prefix) || s.Env(name) == "" || slices.Contains(known, name) || ofCluster(name, s.Env(name)) {
			continue
		}
		next := `; "everleaf config show" lists the settings`
		if near := spelling.Nearest(name[len(prefix):], withoutPrefix(known)); near != "" {
			next = fmt.Sprintf("; did you mean %s%s?", prefix, near)
		}
		problems = append(problems, fmt.Errorf("%s: there is no such variable%s", name, next))
	}
	return errors.Join(problems...)
}

// knownVariables returns the variables of the settings, and those that are no settings.
func knownVariables() []string {
	known := []string{prefix + "CONFIG", prefix + "OUTPUT", passphraseVariable, prefix + "NEW_PASSPHRASE"}
	for _, s := range Settings() {
		known = append(known, s.Env())
	}
	return known
}

func withoutPrefix(names []string) []string {
	var out []string
	for _, name := range names {
		out = append(out, strings.TrimPrefix(name, prefix))
	}
	return out
}

func ofCluster(name, value string) bool {
	return fromCluster.MatchString(name) || strings.HasSuffix(name, "_PORT") && strings.Contains(value, "://")
}

// onePassphrase refuses two sources of the passphrase: which of them is used would be a guess, and keys that are
// encrypted with the other one are lost to those who guess wrong.
func onePassphrase(s Sources, values []Value) error {
	i := slices.IndexFunc(values, func(v Value) bool { return v.Name == "passphrase-file" })
	if len(values[i].Values) == 0 || s.Env(passphraseVariable) == "" {
		return nil
	}
	return fmt.Errorf("%s and %s both give the passphrase of the keys; keep one of them", values[i].place(), passphraseVariable)
}
