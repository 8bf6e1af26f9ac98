package caa_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/caa"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
)

const account = "https://ca.example.net/acme/default/account/abc"

// asked is a question about a name that was proven by http-01.
func asked(name string) caa.Question {
	id, err := ident.ParseDNS(name)
	if err != nil {
		panic(err)
	}
	return caa.Question{Name: id, Identities: []string{"ca.example.net", "ca2.example.net"}, AccountURL: account, Method: acme.HTTP01}
}

func records(list ...caa.Record) []caa.Record { return list }

// allowed stands for no refusal in the tables below, which hold the beginnings of sentences.
const allowed = ""

const (
	unnamed  = "The CAA records of example.com do not let this CA issue; if it may, add one with the tag "
	critical = "A CAA record of example.com is marked critical and has a tag that this CA does not know"
	almost   = "A CAA record of example.com names this CA, but "
)

func check(t *testing.T, what string, q caa.Question, set []caa.Record, want string) {
	t.Helper()
	v := q.Judge("example.com", set)
	if v.Allowed() != (want == allowed) || !strings.HasPrefix(v.Refusal, want) {
		t.Errorf("%s: %q, want %q", what, v.Refusal, want)
	}
}

// Proves CAA-02, CAA-03, CAA-04, INC-86.
func TestJudge(t *testing.T) {
	own, other, nobody := caa.Record{0, "issue", "ca.example.net"}, caa.Record{0, "issue", "other.example"}, caa.Record{0, "issue", ";"}
	wildOwn, wildOther, wildNobody := caa.Record{0, "issuewild", "ca.example.net"}, caa.Record{0, "issuewild", "other.example"}, caa.Record{0, "issuewild", ";"}
	mail, strange := caa.Record{0, "iodef", "mailto:security@example.com"}, caa.Record{0, "tbs", "unknown"}
	tests := []struct {
		what        string
		set         []caa.Record
		plain, wild string // what is said about example.com and *.example.com
	}{
		{"no records", nil, allowed, allowed},
		{"iodef alone", records(mail), allowed, allowed},
		{"an unknown tag alone", records(strange), allowed, allowed},
		{"this CA", records(own), allowed, allowed},
		{"this CA by its second identity", records(caa.Record{0, "issue", "ca2.example.net"}), allowed, allowed},
		{"this CA in other cases", records(caa.Record{0, "IsSuE", "CA.Example.NET"}), allowed, allowed},
		{"another CA", records(other), unnamed + "issue and the value ca.example.net or ca2.example.net.", unnamed + "issue "},
		{"a CA below ours", records(caa.Record{0, "issue", "sub.ca.example.net"}), unnamed, unnamed},
		{"a CA above ours", records(caa.Record{0, "issue", "example.net"}), unnamed, unnamed},
		{"a CA that ends like ours", records(caa.Record{0, "issue", "badca.example.net"}), unnamed, unnamed},
		{"another CA and this one", records(other, own), allowed, allowed},
		{"nobody", records(nobody), unnamed, unnamed},
		{"an empty value", records(caa.Record{0, "issue", ""}), unnamed, unnamed},
		{"nobody, and this CA", records(nobody, own), allowed, allowed},
		{"parameters without issuer", records(caa.Record{0, "issue", "; a=b"}), unnamed, unnamed},

		{"wildcards of this CA", records(wildOwn), allowed, allowed},
		{"wildcards of another", records(wildOther), allowed, unnamed + "issuewild "},
		{"wildcards of nobody", records(wildNobody), allowed, unnamed},
		{"names of this CA, wildcards of another", records(own, wildOther), allowed, unnamed},
		{"names of another, wildcards of this CA", records(other, wildOwn), unnamed, allowed},
		{"wildcards by a broken record", records(own, caa.Record{0, "issuewild", "%%%"}), allowed, unnamed},

		{"a critical unknown tag", records(own, caa.Record{128, "tbs", "unknown"}), critical, critical},
		{"a critical unknown tag, other bits too", records(own, caa.Record{255, "tbs", ""}), critical, critical},
		{"a critical tag of mail certificates", records(own, caa.Record{128, "issuemail", "ca.example.net"}), critical, critical},
		{"a critical tag without letters", records(own, caa.Record{128, "", ""}), critical, critical},
		{"reserved bits alone", records(own, caa.Record{127, "tbs", "unknown"}), allowed, allowed},
		{"the old critical bit, which is another", records(own, caa.Record{1, "tbs", "unknown"}), allowed, allowed},
		{"known tags, critical", records(caa.Record{128, "ISSUE", "ca.example.net"}, caa.Record{128, "issuewild", "ca.example.net"}, caa.Record{128, "iodef", "x"}), allowed, allowed},

		{"a broken name", records(caa.Record{0, "issue", "ca.example.net."}), unnamed, unnamed},
		{"two names", records(caa.Record{0, "issue", "ca.example.net other.example"}), unnamed, unnamed},
		{"a broken parameter", records(caa.Record{0, "issue", "ca.example.net; a b"}), almost + "not in the form", almost + "not in the form"},
		{"a semicolon too many", records(caa.Record{0, "issue", "ca.example.net; a=b;"}), almost + "not in the form", almost + "not in the form"},
		{"a broken parameter, and a good record", records(caa.Record{0, "issue", "ca.example.net; a"}, own), allowed, allowed},
		{"a value in quotes", records(caa.Record{0, "issue", `"ca.example.net"`}), unnamed, unnamed},
		{"a letter whose lower case is ASCII", records(caa.Record{0, "issue", "ca.example.net; \u212a=1"}), almost + "not in the form", almost + "not in the form"},
		{"white space", records(caa.Record{0, "issue", " \tca.example.net\t ; a\t=\tb "}), allowed, allowed},
	}
	for _, test := range tests {
		check(t, test.what, asked("example.com"), test.set, test.plain)
		check(t, test.what+", wildcard", asked("*.example.com"), test.set, test.wild)
	}
}

// Proves CAA-05, CAA-06.
func TestParameters(t *testing.T) {
	own := "ca.example.net; "
	for value, want := range map[string]string{
		own + "accounturi=" + account:                                               allowed,
		own + "AccountURI=" + account:                                               allowed,
		own + "accounturi=https://ca.example.net/acme/default/account/abd":          almost + "for another account (accounturi); that of this request is " + account,
		own + "accounturi=" + account + "/":                                         almost + "for another account",
		own + "accounturi=HTTPS://ca.example.net/acme/default/account/abc":          almost + "for another account",
		own + "accounturi=abc":                                                      almost + "for another account",
		own + "accounturi=":                                                         almost + "for another account",
		own + "accounturi=" + account + "; accounturi=" + account:                   almost + "it has several parameters accounturi",
		own + "accounturi=" + account + "; ACCOUNTURI=https://ca.example.net/other": almost + "it has several parameters accounturi",

		own + "validationmethods=http-01":                                  allowed,
		own + "validationmethods=dns-01,http-01":                           allowed,
		own + "validationmethods=ca-tbr-19":                                allowed,
		own + "validationmethods=ca-tbr-7,ca-tbr-19":                       allowed,
		own + "validationmethods=ca-future-99,http-01":                     allowed,
		own + "validationmethods=dns-01":                                   almost + "not for names whose control was proven by http-01 (validationmethods)",
		own + "validationmethods=ca-tbr-7":                                 almost + "not for names",
		own + "validationmethods=HTTP-01":                                  almost + "not for names",
		own + "validationmethods=http-0":                                   almost + "not for names",
		own + "validationmethods=":                                         almost + "not for names",
		own + "validationmethods=http-01,":                                 almost + "its validationmethods is no list",
		own + "validationmethods=,http-01":                                 almost + "its validationmethods is no list",
		own + "validationmethods=http-01,a_b":                              almost + "its validationmethods is no list",
		own + "validationmethods=http-01|dns-01":                           almost + "its validationmethods is no list",
		own + "validationmethods=http-01, dns-01":                          almost + "not in the form",
		own + "validationmethods=http-01; validationmethods=http-01":       almost + "it has several parameters validationmethods",
		own + "validationmethods=dns-01; ValidationMethods=http-01":        almost + "it has several parameters validationmethods",
		own + "accounturi=" + account + "; validationmethods=http-01":      allowed,
		own + "accounturi=" + account + "; validationmethods=tls-alpn-01":  almost + "not for names",
		own + "accounturi=other; validationmethods=http-01":                almost + "for another account",
		own + "policy=ev; account=230123; accounturis=other; method=other": allowed,
		"other.example; accounturi=" + account:                             unnamed,
	} {
		check(t, value, asked("example.com"), records(caa.Record{0, "issue", value}), want)
		check(t, value+" for wildcards", asked("*.example.com"), records(caa.Record{0, "issuewild", value}), want)
	}
	t.Run("one record of several that is met is enough", func(t *testing.T) {
		check(t, "", asked("example.com"), records(caa.Record{0, "issue", own + "validationmethods=dns-01"}, caa.Record{0, "issue", own + "accounturi=" + account}), allowed)
		check(t, "", asked("example.com"), records(caa.Record{0, "issue", own + "validationmethods=dns-01"}, caa.Record{0, "issue", own + "accounturi=other"}), almost)
	})
	t.Run("without account URLs no account is met", func(t *testing.T) {
		q := asked("example.com")
		q.AccountURL = ""
		for _, value := range []string{"accounturi=", "accounturi=" + account} {
			check(t, value, q, records(caa.Record{0, "issue", own + value}), almost+"for one account (accounturi), and this CA has no URLs of accounts")
		}
	})
	t.Run("no method meets no list", func(t *testing.T) {
		q := asked("example.com")
		q.Method = ""
		for _, value := range []string{"validationmethods=", "validationmethods=http-01", "validationmethods=ca-tbr-19"} {
			check(t, value, q, records(caa.Record{0, "issue", own + value}), almost+"not for names whose control was proven by no method")
		}
	})
	t.Run("without identities a CA is nobody", func(t *testing.T) {
		q := asked("example.com")
		q.Identities = nil
		check(t, "", q, records(caa.Record{0, "issue", ";"}), unnamed)
	})
}

// Proves CAA-06. Each method goes by two labels, and by no other.
func TestLabels(t *testing.T) {
	labels := map[acme.Method]string{
		acme.DNS01: "ca-tbr-7", acme.HTTP01: "ca-tbr-19", acme.TLSALPN01: "ca-tbr-20", acme.DNSAccount01: "ca-tbr-21", acme.DNSPersist01: "ca-tbr-22",
	}
	for method, own := range labels {
		q := asked("example.com")
		q.Method = method
		for other, label := range labels {
			set := records(caa.Record{0, "issue", "ca.example.net; validationmethods=" + label})
			if got := q.Judge("example.com", set).Allowed(); got != (label == own) {
				t.Errorf("%s by %s, the label of %s: %t", method, label, other, got)
			}
		}
	}
}

// Proves CAA-10. Who wants to hear of refusals is told.
func TestReports(t *testing.T) {
	set := records(caa.Record{0, "iodef", "mailto:a@example.com"}, caa.Record{0, "issue", ";"}, caa.Record{0, "IODEF", "https://example.com/report"})
	v := asked("example.com").Judge("example.com", set)
	if want := []string{"mailto:a@example.com", "https://example.com/report"}; v.Allowed() || !slices.Equal(v.Reports, want) {
		t.Errorf("%+v", v)
	}
}

func TestQuestionTravels(t *testing.T) {
	q := asked("*.example.com")
	q.MayFail = true
	text, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	var back caa.Question
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(q, back, cmp.AllowUnexported(ident.Identifier{})); diff != "" {
		t.Errorf("(-sent +received):\n%s", diff)
	}
}

// FuzzJudge: whatever a zone holds, a refusal is one line of printable ASCII that repeats nothing of it, and a record of
// nobody does not change that only a record with our name lets us issue.
func FuzzJudge(f *testing.F) {
	f.Add(byte(0), "issue", "ca.example.net; accounturi="+account+"; validationmethods=http-01", true)
	f.Add(byte(128), "tbs", "unknown", false)
	f.Add(byte(0), "issuewild", ";", true)
	f.Add(byte(1), "iodef", "mailto:security@example.com", false)
	f.Fuzz(func(t *testing.T, flags byte, tag, value string, wild bool) {
		q := asked("example.com")
		if wild {
			q = asked("*.example.com")
		}
		r := caa.Record{Flags: flags, Tag: tag, Value: value}
		v := q.Judge("example.com", records(r))
		if printable := strings.Trim(v.Refusal, " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"); printable != "" {
			t.Errorf("%q", v.Refusal)
		}
		with := q.Judge("example.com", records(r, caa.Record{Tag: "issue", Value: ";"}, caa.Record{Tag: "issuewild", Value: ";"}))
		if with.Allowed() && !strings.Contains(strings.ToLower(value), "ca.example.net") && !strings.Contains(strings.ToLower(value), "ca2.example.net") {
			t.Errorf("%d %q %q lets this CA issue", flags, tag, value)
		}
	})
}
