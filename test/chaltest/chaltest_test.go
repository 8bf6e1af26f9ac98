package chaltest_test

import (
	"crypto/tls"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/everleaf-pki/everleaf/test/chaltest"
)

// ask returns the reply's rcode and its records without their headers.
func ask(t *testing.T, network, server, name string, kind uint16) (string, []string) {
	t.Helper()
	client := &dns.Client{Net: network}
	reply, _, err := client.Exchange(new(dns.Msg).SetQuestion(dns.Fqdn(name), kind), server)
	if err != nil {
		t.Fatal(err)
	}
	var records []string
	for _, rr := range reply.Answer {
		records = append(records, strings.TrimPrefix(rr.String(), rr.Header().String()))
	}
	if reply.Truncated {
		records = append(records, "truncated")
	}
	return dns.RcodeToString[reply.Rcode], records
}

func TestDNS(t *testing.T) {
	server := chaltest.NewDNS(t)
	server.SetTXT("_acme-challenge.a.test", "old")
	server.SetTXT("_acme-challenge.a.test", "one")
	server.AddTXT("_ACME-challenge.a.test.", "two")
	server.SetA("both.test", "192.0.2.1", "2001:db8::1")
	server.SetA("none.test")
	server.SetCNAME("alias.test", "both.test")
	server.SetCNAME("loop.test", "loop.test")
	server.SetCAA("caa.test", chaltest.CAA{Flag: 128, Tag: "issue", Value: ";"})
	server.SetRcode("broken.test", "SERVFAIL")
	server.SetTXT("big.test", strings.Repeat("x", 600))
	server.SetTXT("gone.test", "x")
	server.Clear("gone.test")

	tests := []struct {
		name    string
		kind    uint16
		network string
		rcode   string
		records []string
	}{
		{"_acme-challenge.a.test", dns.TypeTXT, "udp", "NOERROR", []string{`"one"`, `"two"`}},
		{"_acme-challenge.a.test", dns.TypeTXT, "tcp", "NOERROR", []string{`"one"`, `"two"`}},
		{"both.test", dns.TypeA, "udp", "NOERROR", []string{"192.0.2.1"}},
		{"both.test", dns.TypeAAAA, "udp", "NOERROR", []string{"2001:db8::1"}},
		{"none.test", dns.TypeA, "udp", "NOERROR", nil},
		{"unknown.test", dns.TypeA, "udp", "NOERROR", []string{"127.0.0.1"}},
		{"alias.test", dns.TypeA, "udp", "NOERROR", []string{"both.test.", "192.0.2.1"}},
		{"alias.test", dns.TypeCNAME, "udp", "NOERROR", []string{"both.test."}},
		{"loop.test", dns.TypeA, "tcp", "NOERROR", append(repeat("loop.test.", 20), "127.0.0.1")},
		{"caa.test", dns.TypeCAA, "udp", "NOERROR", []string{`128 issue ";"`}},
		{"broken.test", dns.TypeA, "udp", "SERVFAIL", nil},
		{"big.test", dns.TypeTXT, "udp", "NOERROR", []string{"truncated"}},
		{"gone.test", dns.TypeTXT, "udp", "NOERROR", nil},
	}
	for _, test := range tests {
		rcode, records := ask(t, test.network, server.Addr(), test.name, test.kind)
		if rcode != test.rcode || !cmp.Equal(records, test.records) {
			t.Errorf("%s %s over %s = %s %q, want %s %q", test.name, dns.TypeToString[test.kind], test.network, rcode, records, test.rcode, test.records)
		}
	}
	if n := server.Asked("both.test", "AAAA"); n != 1 {
		t.Errorf("Asked(both.test, AAAA) = %d, want 1", n)
	}
	server.SetDefault()
	if rcode, _ := ask(t, "udp", server.Addr(), "unknown.test", dns.TypeA); rcode != "NXDOMAIN" {
		t.Errorf("without default addresses an unknown name is %s, want NXDOMAIN", rcode)
	}
}

func repeat(s string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = s
	}
	return list
}

func TestDNSManage(t *testing.T) {
	server := chaltest.NewDNS(t)
	url := server.Manage(t)
	post := func(path, body string) int {
		response, err := http.Post(url+path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		return response.StatusCode
	}
	if status := post("/set-txt", `{"host":"_acme-challenge.a.test.","value":"one"}`); status != http.StatusOK {
		t.Fatalf("set-txt: status %d", status)
	}
	if _, records := ask(t, "udp", server.Addr(), "_acme-challenge.a.test", dns.TypeTXT); !cmp.Equal(records, []string{`"one"`}) {
		t.Errorf("after set-txt: %q", records)
	}
	if status := post("/clear-txt", `{"host":"_acme-challenge.a.test."}`); status != http.StatusOK {
		t.Fatalf("clear-txt: status %d", status)
	}
	if _, records := ask(t, "udp", server.Addr(), "_acme-challenge.a.test", dns.TypeTXT); records != nil {
		t.Errorf("after clear-txt: %q", records)
	}
	if status := post("/set-txt", `{}`); status != http.StatusBadRequest {
		t.Errorf("set-txt without host: status %d, want 400", status)
	}
}

func TestHTTP(t *testing.T) {
	server := chaltest.NewHTTP(t)
	get := func(token string) (int, string) {
		response, err := http.Get("http://" + server.Addr() + "/.well-known/acme-challenge/" + token)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		return response.StatusCode, string(body)
	}
	server.Set("token", "token.thumbprint")
	if status, body := get("token"); status != 200 || body != "token.thumbprint" {
		t.Errorf("GET token = %d %q", status, body)
	}
	server.Clear("token")
	if status, _ := get("token"); status != 404 {
		t.Errorf("after Clear: status %d, want 404", status)
	}
	if hosts := server.Hosts(); !cmp.Equal(hosts, []string{server.Addr(), server.Addr()}) {
		t.Errorf("Hosts() = %q", hosts)
	}
}

func TestTLSALPN(t *testing.T) {
	server := chaltest.NewTLSALPN(t)
	server.Set("a.test", "token.thumbprint")
	server.Set("127.0.0.1", "token.thumbprint")
	for serverName, want := range map[string]bool{"a.test": true, "1.0.0.127.in-addr.arpa": true, "other.test": false} {
		conn, err := tls.Dial("tcp", server.Addr(), &tls.Config{
			ServerName: serverName, NextProtos: []string{chaltest.ACMETLS1}, InsecureSkipVerify: true,
		})
		if got := err == nil; got != want {
			t.Errorf("handshake for %s: error %v, want success %t", serverName, err, want)
		}
		if err == nil {
			_ = conn.Close()
		}
	}
}
