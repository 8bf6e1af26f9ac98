package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// Each command asks the door for exactly what its arguments say.
func TestRequests(t *testing.T) {
	chain, key, secret := writeText(t, "CHAIN"), writeText(t, "KEY"), writeText(t, "secret\n")
	hashes := writeText(t, strings.Repeat("ab", 32)+"\n"+strings.Repeat("cd", 32)+"\n")
	tests := []struct{ args, asks string }{
		{"org list", "GET /v1/organisations"},
		{"organisation create retail", `POST /v1/organisations {"name":"retail"}`},
		{"ca list", "GET /v1/issuers"},
		{"issuer show default", "GET /v1/issuers/default"},
		{"ca import --chain " + chain + " --key " + key, `POST /v1/issuers {"chain":"CHAIN","key":"KEY"}`},
		{
			"ca import --chain " + chain + " --key " + key + " --key-passphrase-file " + secret + " --name n --org o",
			`POST /v1/issuers {"name":"n","organisation":"o","chain":"CHAIN","key":"KEY","passphrase":"secret"}`,
		},
		{"ca create shops", `POST /v1/issuers/root/below {"name":"shops"}`},
		{
			"ca create shops --parent r --org o --key-type rsa-3072 --common-name C --country DE --usages server-auth --permit-names a.example,b.example " +
				"--exclude-names c.a.example --permit-networks 10.0.0.0/8 --exclude-networks 10.1.2.3 --public --parent-key " + key,
			`POST /v1/issuers/r/below {"name":"shops","organisation":"o","key_type":"rsa-3072","common_name":"C","country":"DE","usages":["server-auth"],` +
				`"permitted_names":["a.example","b.example"],"excluded_names":["c.a.example"],"permitted_networks":["10.0.0.0/8"],"excluded_networks":["10.1.2.3/32"],"public":true,"key":"KEY"}`,
		},
		{"ca cross root --by old --name n --parent-key " + key + " --parent-key-passphrase-file " + secret, `POST /v1/issuers/root/cross {"by":"old","name":"n","key":"KEY","passphrase":"secret"}`},
		{"ca import --cross " + chain, `POST /v1/issuers {"chain":"CHAIN","cross":true}`},
		{"key block ff01", `POST /v1/keys/blocked {"certificate":"ff01"}`},
		{"key block " + hashes, `POST /v1/keys/blocked {"keys":["` + strings.Repeat("ab", 32) + `","` + strings.Repeat("cd", 32) + `"]}`},
		{"key blocked --limit 5 --after ab", "GET /v1/keys/blocked?after=ab&limit=5"},
		{"ca next default", `POST /v1/issuers/default/next {}`},
		{"ca next default --parent-key " + key + " --parent-key-passphrase-file " + secret, `POST /v1/issuers/default/next {"key":"KEY","passphrase":"secret"}`},
		{"profile list", "GET /v1/profiles"},
		{"profile show weekly --org retail", "GET /v1/profiles/weekly?organisation=retail"},
		{"profile set weekly", "PATCH /v1/profiles/weekly {}"},
		{
			"profile set weekly --description text --issuer i --lifetime 7d --backdate 10m --keys ecdsa-p256,rsa --usages server-auth --usages client-auth --common-name --no-crl=false --org o",
			`PATCH /v1/profiles/weekly?organisation=o {"description":"text","issuer":"i","lifetime":"7d","backdate":"10m","keys":["ecdsa-p256","rsa"],"usages":["server-auth","client-auth"],"common_name":true,"no_crl":false}`,
		},
		{"connector list", "GET /v1/connectors"},
		{"connector show a/b", "GET /v1/connectors/a%2Fb"},
		{"connector create shops", `POST /v1/connectors {"name":"shops"}`},
		{"connector create shops --org o --require-eab", `POST /v1/connectors {"name":"shops","organisation":"o","rules":{"external_binding":true}}`},
		{"connector set shops --require-eab=false --names= --allow-loopback", `PATCH /v1/connectors/shops {"names":[],"external_binding":false,"addresses":{"loopback":true}}`},
		{
			"connector set shops --profiles a,b --names .x,y --methods dns-01 --max-identifiers 5 --order-life 1h --reuse-life 0s --pre-authorize=false --not-before-after=false " +
				"--terms-of-service https://t --website https://w --caa-identities ca.x --allow-private=false --allow-networks 169.254.0.0/16 --deny-networks 10.0.0.1,::/0",
			`PATCH /v1/connectors/shops {"profiles":["a","b"],"names":[".x","y"],"methods":["dns-01"],"terms_of_service":"https://t","website":"https://w","caa_identities":["ca.x"],"max_identifiers":5,` +
				`"addresses":{"private":false,"allow":["169.254.0.0/16"],"deny":["10.0.0.1/32","::/0"]},"order_life":"1h","reuse_life":"0s","pre_authorize":false,"not_before_after":false}`,
		},
		{"connector suspend shops", "POST /v1/connectors/shops/suspend"},
		{"connector resume shops", "POST /v1/connectors/shops/resume"},
		{"credential list --connector c", "GET /v1/credentials?connector=c"},
		{"credential create --name web --connector c --max-accounts 2 --expires 30d", `POST /v1/credentials {"name":"web","connector":"c","max_accounts":2,"expires":"2026-12-23T12:00:00Z"}`},
		{"credential show k", "GET /v1/credentials/k"},
		{
			"credential create --name web --names .a.example,10.0.0.0/8 --profiles p --orders-per-day 9 --pre-approved b.a.example",
			`POST /v1/credentials {"name":"web","scope":{"names":[".a.example","10.0.0.0/8"],"profiles":["p"],"orders_per_day":9,"pre_approved":["b.a.example"]}}`,
		},
		{"credential set k --names= --expires never", `PATCH /v1/credentials/k {"expires":"0001-01-01T00:00:00Z","scope":{"names":[]}}`},
		{
			"credential set k --name n --max-accounts 3 --expires 1d --names x --profiles p,q --orders-per-day 0 --pre-approved *.x",
			`PATCH /v1/credentials/k {"name":"n","max_accounts":3,"expires":"2026-11-24T12:00:00Z","scope":{"names":["x"],"profiles":["p","q"],"orders_per_day":0,"pre_approved":["*.x"]}}`,
		},
		{"credential rotate k", `POST /v1/credentials/k/rotate {}`},
		{"credential rotate k --grace 1d", `POST /v1/credentials/k/rotate {"grace":"1d"}`},
		{"credential suspend k", "POST /v1/credentials/k/suspend"},
		{"credential suspend k --revoke-certificates --reason superseded", "POST /v1/credentials/k/suspend?reason=superseded&revoke_certificates=true"},
		{"credential delete k --revoke-certificates", "DELETE /v1/credentials/k?revoke_certificates=true"},
		{"credential resume k", "POST /v1/credentials/k/resume"},
		{"credential delete k", "DELETE /v1/credentials/k"},
		{"account list --connector c --limit 7 --before b", "GET /v1/accounts?before=b&connector=c&limit=7"},
		{"account show a", "GET /v1/accounts/a"},
		{"account records a *.example.com", "GET /v1/accounts/a/records?name=%2A.example.com"},
		{"account revoke a", "POST /v1/accounts/a/revoke"},
		{"order list", "GET /v1/orders?limit=1000"},
		{"order show o", "GET /v1/orders/o"},
		{"cert list", "GET /v1/certificates?limit=1000"},
		{
			"certificate list --name .x --connector c --account a --credential k --order o --expires-before 30d --expires-after 2026-01-01 --revoked",
			"GET /v1/certificates?account=a&connector=c&credential=k&expires_after=2026-01-01T00%3A00%3A00Z&expires_before=2026-12-23T12%3A00%3A00Z&limit=1000&name=.x&order=o&revoked=true",
		},
		{
			"cert list --profile p --issuer i --issued-before 2026-01-02 --issued-after 2026-01-01 --limit 7",
			"GET /v1/certificates?issued_after=2026-01-01T00%3A00%3A00Z&issued_before=2026-01-02T00%3A00%3A00Z&issuer=i&limit=7&profile=p",
		},
		{"cert show ff", "GET /v1/certificates/ff"},
		{"cert revoke ff", "POST /v1/certificates/ff/revoke {}"},
		{"cert revoke ff --reason keyCompromise", `POST /v1/certificates/ff/revoke {"reason":"keyCompromise"}`},
		{"cert revoke-many --name .x --dry-run", `POST /v1/revocations {"name":".x","dry_run":true,"limit":500}`},
		{
			"cert revoke-many --yes --key-of ff --issuer i --profile p --connector c --account a --credential k --issued-before 2026-01-02 --issued-after 2026-01-01 --expires-before 30d --expires-after 1d --reason superseded",
			`POST /v1/revocations {"connector":"c","account":"a","profile":"p","issued_before":"2026-01-02T00:00:00Z","issued_after":"2026-01-01T00:00:00Z",` +
				`"issuer":"i","credential":"k","key":"ff","expires_before":"2026-12-23T12:00:00Z","expires_after":"2026-11-24T12:00:00Z","reason":"superseded","limit":500}`,
		},
		{"renewal list", "GET /v1/renewal-overrides"},
		{"renewal list --ended", "GET /v1/renewal-overrides?ended=true"},
		{"renewal override --all", `POST /v1/renewal-overrides {"all":true}`},
		{
			"renewal override --name .x --issuer i --profile p --connector c --account a --issued-before 2026-01-02 --issued-after 2026-01-01 --from 1d --until 2d --explain https://e",
			`POST /v1/renewal-overrides {"name":".x","connector":"c","account":"a","profile":"p","issued_before":"2026-01-02T00:00:00Z","issued_after":"2026-01-01T00:00:00Z",` +
				`"issuer":"i","start":"2026-11-24T12:00:00Z","end":"2026-11-25T12:00:00Z","explanation":"https://e"}`,
		},
		{"renewal end o", "POST /v1/renewal-overrides/o/end"},
		{"event list", "GET /v1/events?limit=100"},
		{"connector set shops --limit orders-per-account=300/3h --limit orders-per-domain=none", `PATCH /v1/connectors/shops {"limits":{"rates":{"orders-per-account":"300/3h","orders-per-domain":"none"}}}`},
		{"limit list", "GET /v1/limits"},
		{"limit list --connector c --kind failures-in-a-row", "GET /v1/limits?connector=c&kind=failures-in-a-row"},
		{"limit override none --kind orders-per-domain --name example.com --until 30d", `POST /v1/limits/override {"name":"example.com","kind":"orders-per-domain","rate":"none","until":"2026-12-23T12:00:00Z"}`},
		{"limit override 9/1h --kind accounts-per-address --address 10.0.0.0/8 --connector c", `POST /v1/limits/override {"connector":"c","address":"10.0.0.0/8","kind":"accounts-per-address","rate":"9/1h"}`},
		{"limit override usual --kind orders-per-account --account a", `POST /v1/limits/override {"account":"a","kind":"orders-per-account","rate":"usual"}`},
		{"limit override none --kind orders-per-credential --credential k", `POST /v1/limits/override {"credential":"k","kind":"orders-per-credential","rate":"none"}`},
		{"limit reset orders-per-domain example.com --connector c", `POST /v1/limits/reset {"connector":"c","kind":"orders-per-domain","subject":"example.com"}`},
		{"limit resume --account a --name n", `POST /v1/limits/resume {"account":"a","name":"n"}`},
		{"clock accept", "POST /v1/clock/accept"},
		{"event list --object o --limit 0", "GET /v1/events?limit=1000&object=o"},
	}
	door := &fakeDoor{}
	b := newBench(t, serveDoor(t, door))
	for _, tt := range tests {
		b.want(exitRemote, "", "everleaf: There is no such thing.\n", strings.Fields(tt.args)...)
		if diff := cmp.Diff([]string{tt.asks}, door.requests()); diff != "" {
			t.Errorf("everleaf %s:\n%s", tt.args, diff)
		}
	}
}

func writeText(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// What cannot be meant is refused before anybody is asked.
func TestSlips(t *testing.T) {
	tests := []struct{ args, says string }{
		{"crt list", `there is no command "everleaf crt"; did you mean cert?`},
		{"zzz", `there is no command "everleaf zzz"; see "everleaf --help"`},
		{"cert lst", `there is no command "everleaf cert lst"; did you mean list?`},
		{"CERT list", `there is no command "everleaf CERT"; did you mean cert?`},
		{"helpp", `there is no command "everleaf helpp"; did you mean help?`},
		{"revoke", `there is no command "everleaf revoke"; did you mean "everleaf account revoke" or "everleaf cert revoke"?`},
		{"show", `there is no command "everleaf show"; see "everleaf --help"`},
		{"list", `there is no command "everleaf list"; did you mean limit?`},
		{"help crt", `there is no command "everleaf crt"; did you mean cert?`},
		{"help cert revok", `there is no command "everleaf cert revok"; did you mean revoke?`},
		{"help cert list x", `there is no command "everleaf cert list x"; see "everleaf cert list --help"`},
		{"cert help x", `there is no command "everleaf cert x"; see "everleaf cert --help"`},
		{"connector set c --require-eab false", `"false" is one argument too many; give it to its flag with "=", like --flag=false`},
		{"cert list --revoked=maybe", `--revoked: "maybe" is neither true nor false`},
		{"cert list extra", `"extra" is one argument too many; see "everleaf cert list --help"`},
		{"cert show", `SERIAL|ID is missing; write "everleaf cert show SERIAL|ID"`},
		{"cert list --limits 3", `there is no flag --limits; did you mean --limit?`},
		{"cert list --something-else", `there is no flag --something-else; see "everleaf cert list --help"`},
		{"cert list -q", `there is no flag -q; see "everleaf cert list --help"`},
		{"cert list --name", `--name needs a value`},
		{"cert list --limit -1", `--limit: "-1" is not a number from 0 on`},
		{"cert list --expires-before soon", `--expires-before: "soon" is not a time; write it like 2026-11-23T12:00:00Z or 2026-11-23 in UTC, or as a time from now like 30d`},
		{"cert list -o xml", `--output: "xml" is none of table, json, yaml`},
		{"cert list -o pem", `--output: "pem" is none of table, json, yaml`},
		{"cert revoke-many --name a", `nothing was revoked: look at what would be with --dry-run, then give --yes`},
		{"cert revoke-many --yes --key /none --key-of ff", `give the key with --key or --key-of, not both`},
		{"cert revoke-many --yes --key /none", `--key: there is no file /none; name the right one`},
		{"cert revoke-many --yes --key /etc/hostname", `--key: /etc/hostname holds neither a certificate nor a public key in PEM; "openssl pkey -pubout" makes one of a private key`},
		{"credential create", `name the credential with --name, after whoever gets it`},
		{"connector set c", `name the rules to change; "everleaf connector set --help" lists them`},
		{"connector set c --methods dns-1", `--methods: "dns-1" is none of http-01, dns-01, tls-alpn-01, dns-account-01, dns-persist-01`},
		{"connector set c --require-eab=maybe", `--require-eab: "maybe" is neither true nor false`},
		{"connector set c --deny-networks lan", `--deny-networks: "lan" is not a network; write it like 10.0.0.0/8 or 10.1.2.3`},
		{"profile set p --lifetime 90", `--lifetime: invalid length of time "90": write it like 90d, 160h or 1d12h`},
		{"profile set p --keys dsa", `--keys: "dsa" is none of ecdsa-p256, ecdsa-p384, rsa, ed25519`},
		{"ca import --chain x", `give the certificates with --chain and the private key with --key`},
		{"ca import --chain /none --key /none", `--chain: there is no file /none; name the right one`},
		{"ca import --chain / --key /none", `--chain: the file / cannot be read: is a directory; name another`},
		{"ca import --cross a --key b", `--cross brings a certificate of a CA that is here; give nothing but --name with it`},
		{"ca create a --key-type dsa", `--key-type: "dsa" is none of ecdsa-p256, ecdsa-p384, rsa-2048, rsa-3072, rsa-4096`},
		{"ca create a --permit-networks lan", `--permit-networks: "lan" is not a network; write it like 10.0.0.0/8 or 10.1.2.3`},
		{"key block /none/leaked.pem", `the file /none/leaked.pem cannot be read: no such file or directory; name another, or a serial number`},
		{"ca cross a", `name the issuer that signs with --by`},
		{"ca next default --parent-key /none", `--parent-key: there is no file /none; name the right one`},
		{"ca next default --parent-key-passphrase-file /none", `--parent-key-passphrase-file opens a key that is brought; name that with --parent-key, or leave both out where the parent's key is in the data folder`},
		{"init --import-chain /none", `--import-chain comes with the private key of its first certificate; name the file of that with --import-key`},
		{"init --import-key /none", `--import-key comes with the certificate of the key and those above it; name their file with --import-chain`},
		{"init --import-passphrase-file /none", `--import-passphrase-file opens a key that is imported; name that with --import-chain and --import-key, or give the passphrase of new keys with --passphrase-file`},
		{"init --import-chain /none --import-key /none --root-out /x", `--root-out takes the key of a new root away, and --import-chain brings a CA that exists; leave out one of them`},
		{"init --import-chain /none --import-key /none", `--import-chain: there is no file /none; name the right one`},
		{"completion tcsh", `there is no completion for "tcsh"; choose one of bash, zsh, fish, powershell`},
		{"init --key-type dsa", `--key-type: "dsa" is none of ecdsa-p256, ecdsa-p384, rsa-2048, rsa-3072, rsa-4096`},
		{"serve --listen 8443", `--listen: "8443" is not an address; write HOST:PORT, :PORT or [IPv6]:PORT`},
	}
	door := &fakeDoor{}
	b := newBench(t, serveDoor(t, door))
	for _, tt := range tests {
		b.want(exitLocal, "", "everleaf: "+tt.says+"\n", strings.Fields(tt.args)...)
	}
	if asked := door.requests(); len(asked) > 0 {
		t.Errorf("the server was asked: %q", asked)
	}
}

// A long list is fetched in pages, up to the limit. A page may be empty though more follow.
func TestPages(t *testing.T) {
	certificates := func(next string, ids ...string) adminapi.Certificates {
		list := adminapi.Certificates{Next: next, Certificates: []adminapi.Certificate{}}
		for _, id := range ids {
			list.Certificates = append(list.Certificates, adminapi.Certificate{ID: id, Serial: id, NotAfter: noon, Names: []string{}})
		}
		return list
	}
	door := &fakeDoor{answers: map[string]any{
		"GET /v1/certificates?limit=1000":           certificates("y", "z", "y"),
		"GET /v1/certificates?before=y&limit=1000":  certificates("x5"),
		"GET /v1/certificates?before=x5&limit=1000": certificates("", "x"),
		"GET /v1/certificates?limit=3":              certificates("y", "z", "y"),
		"GET /v1/certificates?before=y&limit=1":     certificates("x", "x"),
	}}
	b := newBench(t, serveDoor(t, door))
	header := "SERIAL  STATUS  EXPIRES           PROFILE  CONNECTOR  NAMES\n"
	row := func(id string) string {
		return id + "       -       2026-11-23 (now)  -        -          -\n"
	}
	b.want(exitDone, header+row("z")+row("y")+row("x"), "", "cert", "list")
	b.want(exitDone, header+row("z")+row("y")+row("x"), "There are more; they follow with --before x\n", "cert", "list", "--limit", "3")

	stdout, _, _ := b.run("cert", "list", "--limit", "3", "-o", "json")
	if !strings.Contains(stdout, "\n  \"next\": \"x\"\n") || strings.Count(stdout, `"serial"`) != 3 {
		t.Errorf("got %s", stdout)
	}
}

// A person is told that a list is empty; a program sees it.
func TestEmptyList(t *testing.T) {
	b := newBench(t, serveDoor(t, &fakeDoor{answers: map[string]any{
		"GET /v1/orders?limit=1000": adminapi.Orders{Orders: []adminapi.Order{}},
	}}))
	b.want(exitDone, "ID  STATUS  CREATED  PROFILE  CONNECTOR  ACCOUNT  NAMES\n", "There are none.\n", "order", "list")
	b.want(exitDone, "{\n  \"schema_version\": 1,\n  \"orders\": []\n}\n", "", "order", "list", "-o", "json")
}

// TestEndlessList stops at a page that does not lead further back.
func TestEndlessList(t *testing.T) {
	for name, pages := range map[string][]string{
		"the same page": {"y", "y"},
		"a circle":      {"y", "x", "y"},
		"a newer page":  {"x", "y"},
	} {
		door := &fakeDoor{answers: map[string]any{}}
		before := ""
		for _, next := range pages {
			door.answers["GET /v1/accounts?"+before+"limit=1000"] = adminapi.Accounts{Accounts: []adminapi.Account{}, Next: next}
			before = "before=" + next + "&"
		}
		b := newBench(t, serveDoor(t, door))
		_, stderr, code := b.run("account", "list")
		if code != exitRemote || stderr != "everleaf: the server's list does not end: a page begins where one before it began; report this\n" {
			t.Errorf("%s: exit %d, %s", name, code, stderr)
		}
		if asked := len(door.requests()); asked != len(pages) {
			t.Errorf("%s: %d requests, want %d", name, asked, len(pages))
		}
	}
}

// Proves INC-82.
func TestAnswersOfTheServer(t *testing.T) {
	door := &fakeDoor{answers: map[string]any{
		"GET /v1/organisations": refused{500, `{"kind":"internal","message":"The server failed; its log tells why under this request's id.","request_id":"ABC"}`},
		"GET /v1/connectors":    refused{502, `<html>`},
		"GET /v1/issuers":       refused{409, "{\"kind\":\"conflict\",\"message\":\"\\u001b[2J\"}"},
	}}
	b := newBench(t, serveDoor(t, door))
	b.want(exitRemote, "", "everleaf: The server failed; its log tells why under this request's id. (request ABC)\n", "org", "list")
	b.want(exitRemote, "", "everleaf: The server answered with status 502 and no explanation.\n", "connector", "list")
	b.want(exitRemote, "", "everleaf: \ufffd[2J\n", "ca", "list")
}

// What a check finds ends the command with a code of its own.
func TestFindings(t *testing.T) {
	door := &fakeDoor{answers: map[string]any{
		"POST /v1/operation/check": adminapi.Findings{Findings: []string{"order o has two certificates", hostile}},
		"GET /v1/operation/readiness": adminapi.Readiness{Serving: true, Checks: []adminapi.ReadinessCheck{
			{Name: "store", OK: true}, {Name: "clock", Problem: "the clock stands before the newest event"},
		}},
		"POST /v1/operation/reload": refused{409, `{"kind":"conflict","message":"a change of listen needs a restart"}`},
	}}
	b := newBench(t, serveDoor(t, door))
	b.want(exitFinding, "order o has two certificates\n\ufffd[2J\ufffdevil\n", "", "check")
	b.want(exitFinding, "CHECK    OK   PROBLEM\nserving  yes  -\nstore    yes  -\nclock    no   the clock stands before the newest event\n", "", "status")
	b.want(exitRemote, "", "everleaf: a change of listen needs a restart\n", "reload")

	stdout, _, code := b.run("check", "-o", "json")
	if code != exitFinding || !strings.Contains(stdout, `"order o has two certificates"`) {
		t.Errorf("exit %d, %s", code, stdout)
	}
}

func TestProblems(t *testing.T) {
	inner := errors.New("disk full")
	for want, err := range map[string]error{
		"":                      &exit{code: exitFinding},
		"one|two":               errors.Join(errors.New("one"), errors.New("two")),
		"The chain is broken.":  fault.New(fault.Malformed, "The chain is broken."),
		"open: It is taken.":    fmt.Errorf("open: %w", fault.Wrap(inner, fault.Conflict, "It is taken.")),
		"Try again.: disk full": fault.Wrap(inner, fault.Unavailable, "Try again."),
	} {
		if got := strings.Join(problems(err), "|"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if problems(nil) != nil {
		t.Error("success is no problem")
	}
}
