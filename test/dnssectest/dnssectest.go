// Package dnssectest runs a small DNS of its own on loopback, for tests: zones that BIND signs and serves, signed from
// the root down, and resolvers by Unbound. Both end with the test.
//
//	.               signed, the trust anchor
//	test            signed, with everything below
//	signed.test     signed
//	three.test      signed with NSEC3 and opt-out; plain.three.test below it is not signed
//	bogus.test      signed, and its signatures have expired
//	plain.test      not signed, as the signed parent proves
//	dead.test       not signed, and no server answers for it
package dnssectest

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// zone is a zone with its records beyond SOA and NS.
type zone struct {
	name    string
	signing []string // options of dnssec-signzone; nil: it is not signed
	records string
}

// zones returns all zones, children before their parents.
func zones() []zone {
	signed := []string{"-z", "-g"}
	return []zone{
		{"signed.test", signed, `
@      CAA 0 issue "ca.example"
www    A 127.0.0.1
empty  A 127.0.0.1
_acme-challenge TXT "signed"
plain  CNAME www.plain.test.
dead   CNAME www.dead.test.
`},
		{"bogus.test", append(signed, "-P", "-s", "20200101000000", "-e", "20200201000000"), `
@      CAA 0 issue "ca.example"
www    A 127.0.0.1
_acme-challenge TXT "bogus"
`},
		{"plain.three.test", nil, "www A 127.0.0.1\n"},
		{"three.test", append(signed, "-3", "-", "-A"), delegation("plain") + "www A 127.0.0.1\n"},
		{"plain.test", nil, `
@      CAA 0 issue "ca.example"
www    A 127.0.0.1
_acme-challenge TXT "plain"
bogus  CNAME www.bogus.test.
signed CNAME www.signed.test.
other  CNAME www
ring   CNAME round
round  CNAME ring
`},
		{"test", signed, delegation("signed") + delegation("bogus") + delegation("three") + delegation("plain") + delegation("dead")},
		{"", signed, delegation("test")},
	}
}

// delegation lets a child be served by this machine.
func delegation(child string) string {
	return child + " NS ns." + child + "\nns." + child + " A 127.0.0.1\n"
}

// DNS is the authoritative server with its zones.
type DNS struct {
	folder string
	port   int
}

// New signs the zones and serves them.
func New(t testing.TB) *DNS {
	t.Helper()
	d := &DNS{folder: t.TempDir(), port: freePort(t)}
	var conf strings.Builder
	fmt.Fprintf(&conf, `options {
	directory %q; pid-file none; session-keyfile none; managed-keys-directory %q;
	listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; };
	recursion no; notify no; dnssec-validation no; allow-transfer { none; };
};
controls { };
`, d.folder, d.folder, d.port)
	for _, z := range zones() {
		fmt.Fprintf(&conf, "zone %q { type primary; file %q; };\n", z.name+".", d.write(t, z))
	}
	d.file(t, "named.conf", conf.String())
	start(t, "running", "named", "-g", "-n", "1", "-c", d.path("named.conf"))
	return d
}

func (d *DNS) path(name string) string { return filepath.Join(d.folder, name) }

func (d *DNS) file(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(d.path(name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// write writes the file of a zone, signed if it is to be, and returns its name.
func (d *DNS) write(t testing.TB, z zone) string {
	t.Helper()
	file := "zone." + z.name
	d.file(t, file, "$TTL 60\n$ORIGIN "+z.name+".\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n"+z.records)
	if z.signing == nil {
		return file
	}
	key := strings.TrimSpace(d.run(t, "dnssec-keygen", "-q", "-a", "ECDSAP256SHA256", "-f", "KSK", z.name+"."))
	options := append([]string{"-Q", "-o", z.name + ".", "-f", file + ".signed"}, z.signing...)
	d.file(t, file, d.read(t, file)+"$INCLUDE "+key+".key\n")
	d.run(t, "dnssec-signzone", append(options, file, key)...)
	if z.name == "" {
		d.file(t, "anchor", d.read(t, key+".key"))
	}
	return file + ".signed"
}

func (d *DNS) read(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(d.path(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// run runs a program in the folder and returns what it prints.
func (d *DNS) run(t testing.TB, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = d.folder
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, problems.String())
	}
	return string(out)
}

// Resolver starts a resolver for the zones and returns HOST:PORT. One that does not validate has no trust anchor.
func (d *DNS) Resolver(t testing.TB, validates bool) string {
	t.Helper()
	port := freePort(t)
	modules := "module-config: iterator"
	if validates {
		modules = fmt.Sprintf("module-config: \"validator iterator\"\n\ttrust-anchor-file: %q", d.path("anchor"))
	}
	conf := fmt.Sprintf(`server:
	interface: 127.0.0.1
	port: %d
	directory: %q
	chroot: ""
	username: ""
	pidfile: ""
	use-syslog: no
	verbosity: 1
	num-threads: 1
	do-ip6: no
	do-not-query-localhost: no
	local-zone: "test." nodefault
	qname-minimisation: no
	ede: yes
	%s
remote-control:
	control-enable: no
`, port, d.folder, modules)
	for _, z := range append(zones(), zone{name: "dead.test"}) {
		at := d.port
		if z.name == "dead.test" {
			at = freePort(t)
		}
		conf += fmt.Sprintf("stub-zone:\n\tname: %q\n\tstub-addr: 127.0.0.1@%d\n", z.name+".", at)
	}
	file := fmt.Sprintf("unbound.%d.conf", port)
	d.file(t, file, conf)
	start(t, "start of service", "unbound", "-d", "-c", d.path(file))
	return fmt.Sprintf("127.0.0.1:%d", port)
}

// start starts a daemon in the foreground, waits until it says that it is ready, and ends it with the test.
func start(t testing.TB, ready, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(daemon(name), args...)
	output, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said, done := make(chan string), make(chan struct{})
	go func() {
		defer close(done)
		defer close(said)
		for lines := bufio.NewScanner(output); lines.Scan(); {
			select {
			case said <- lines.Text():
			case <-t.Context().Done():
			}
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-done
		_ = cmd.Wait()
	})
	var log []string
	for line := range said {
		if log = append(log, line); strings.Contains(line, ready) {
			go func() {
				for range said { // so that it is never held up
				}
			}()
			return
		}
	}
	t.Fatalf("%s ended before it was ready:\n%s", name, strings.Join(log, "\n"))
}

// daemon finds a program where Debian keeps those of the system.
func daemon(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	return "/usr/sbin/" + name
}

// freePort returns a port of 127.0.0.1 that was free for both transports a moment ago.
func freePort(t testing.TB) int {
	t.Helper()
	for range 20 {
		stream, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		packets, err := net.ListenPacket("udp", stream.Addr().String())
		_ = stream.Close()
		if err == nil {
			_ = packets.Close()
			return stream.Addr().(*net.TCPAddr).Port
		}
	}
	t.Fatal("no port is free for both transports")
	return 0
}
