package persist

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

const (
	thumbprint = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs" // RFC 7638 section 3.1
	former     = "9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
	accountURL = "https://ca.example/acct/123"
	prefix     = "https://ca.example/hash/"
	hash       = "5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw"
)

var (
	now   = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	owner = Account{accountURL, prefix, []string{thumbprint, former}}
)

// wanted is what an exact name wants of a record in one form.
func wanted(d Draft) Wanted {
	return Wanted{Offer: Offer{d, []string{"ca.example", "ca.example.net"}}, Domain: "example.com", Account: owner, Now: now}
}

// TestHash computes the vectors of the draft.
//
// Proves DP-02, DP-03.
func TestHash(t *testing.T) {
	for domain, want := range map[string]string{
		"example.com": hash,
		AnyDomain:     "NpDnSwUthQK8zCgFdefYxAdAVPnygMLbs9US6oO-5ug",
	} {
		if got := owner.URI(Draft02, domain); got != prefix+"sha-256/"+want {
			t.Errorf("%s: %s", domain, got)
		}
	}
	if got := owner.URI(Draft01, "example.com"); got != accountURL {
		t.Errorf("draft-01: %s", got)
	}
}

// grant writes a record and says what it is good for.
func grant(uri, terms string) string { return "ca.example; accounturi=" + uri + terms }

// TestJudge: one record, in both forms.
//
// Proves DP-01, DP-02, DP-03, DP-04, DP-05, DP-06.
func TestJudge(t *testing.T) {
	const malformed, unauthorized = fault.Malformed, fault.Unauthorized
	later, earlier := fmt.Sprint(now.Unix()+1), fmt.Sprint(now.Unix())
	for draft, own := range map[Draft]string{Draft01: accountURL, Draft02: owner.URI(Draft02, "example.com")} {
		for _, test := range []struct {
			name, record string
			kind         fault.Kind // "": good for the name
			beyond       bool       // and for what is beyond it
		}{
			{"plain", grant(own, ""), "", false},
			{"another of the CA's names", strings.Replace(grant(own, ""), "ca.example", "ca.example.net", 1), "", false},
			{"upper case and white space", " CA.Example;AccountURI = " + own + "\t", "", false},
			{"wildcard", grant(own, "; policy=wildcard"), "", true},
			{"wildcard in upper case", grant(own, "; POLICY=WILDCARD"), "", true},
			{"another policy", grant(own, "; policy=subdomains"), "", false},
			{"empty policy", grant(own, "; policy="), "", false},
			{"unknown tag", grant(own, "; policy=wildcard; future=1"), "", true},
			{"still good", grant(own, "; persistUntil="+later), "", false},
			{"over", grant(own, "; persistUntil="+earlier), unauthorized, false},
			{"long over", grant(own, "; persistUntil=0"), unauthorized, false},
			{"far away", grant(own, "; persistUntil=4611686018427387904"), malformed, false},
			{"negative", grant(own, "; persistUntil=-1"), malformed, false},
			{"signed", grant(own, "; persistUntil=+"+later), malformed, false},
			{"no time", grant(own, "; persistUntil="), malformed, false},
			{"a date", grant(own, "; persistUntil=2027-01-01"), malformed, false},
			{"hexadecimal", grant(own, "; persistUntil=0x7fffffff"), malformed, false},
			{"underscores", grant(own, "; persistUntil=1_900_000_000"), malformed, false},
			{"repeated account", grant(own, "; accounturi="+own), malformed, false},
			{"repeated policy", grant(own, "; policy=wildcard; Policy=wildcard"), malformed, false},
			{"repeated unknown", grant(own, "; a=1; a=1"), malformed, false},
			{"no account", "ca.example; policy=wildcard", malformed, false},
			{"empty account", grant("", ""), malformed, false},
			{"broken", grant(own, ";"), malformed, false},
			{"no record of ours", "v=spf1 -all", malformed, false},
			{"nobody", "", unauthorized, false},
			{"another CA", strings.Replace(grant(own, ""), "ca.example", "other.example", 1), unauthorized, false},
			{"a name above the CA's", strings.Replace(grant(own, ""), "ca.example", "example", 1), unauthorized, false},
			{"a name below the CA's", strings.Replace(grant(own, ""), "ca.example", "x.ca.example", 1), unauthorized, false},
			{"another CA, broken", "other.example; a", unauthorized, false},
			{"another host", grant("https://other.example/acct/123", ""), unauthorized, false},
			{"other case", grant(strings.ToUpper(own), ""), unauthorized, false},
		} {
			t.Run(string(draft)+" "+test.name, func(t *testing.T) {
				w := wanted(draft)
				wantJudgement(t, w, test.kind, test.record)
				w.Beyond = true
				switch {
				case test.kind != "":
					wantJudgement(t, w, test.kind, test.record)
				case test.beyond:
					wantJudgement(t, w, "", test.record)
				default:
					wantJudgement(t, w, unauthorized, test.record)
				}
			})
		}
	}
}

func wantJudgement(t *testing.T, w Wanted, kind fault.Kind, records ...string) Grant {
	t.Helper()
	g, err := w.Judge(records)
	if (err == nil) != (kind == "") || err != nil && fault.KindOf(err) != kind {
		t.Errorf("beyond %t: %q is %v; want the kind %q", w.Beyond, records, err, kind)
	}
	return g
}

// TestJudgeAccount: whose record it is, in each form.
//
// Proves DP-02, DP-04, DP-06.
func TestJudgeAccount(t *testing.T) {
	other := Account{"https://ca.example/acct/124", prefix, []string{"another"}}
	hashed := func(sum string) string { return prefix + "sha-256/" + sum }
	for _, test := range []struct {
		name  string
		draft Draft
		uri   string
		kind  fault.Kind
	}{
		{"the URL", Draft01, accountURL, ""},
		{"the URL of another", Draft01, other.URL, fault.Unauthorized},
		{"the beginning of the URL", Draft01, accountURL[:len(accountURL)-1], fault.Unauthorized},
		{"more than the URL", Draft01, accountURL + "/", fault.Unauthorized},
		{"the hash, before there were any", Draft01, hashed(hash), fault.Unauthorized},
		{"the hash", Draft02, hashed(hash), ""},
		{"the hash for any domain", Draft02, owner.URI(Draft02, AnyDomain), ""},
		{"the hash under a former key", Draft02, owner.hashed("example.com", former), ""},
		{"the hash for any domain under a former key", Draft02, owner.hashed(AnyDomain, former), ""},
		{"the hash for another domain", Draft02, owner.URI(Draft02, "badexample.com"), fault.Unauthorized},
		{"the hash for the domain above", Draft02, owner.URI(Draft02, "com"), fault.Unauthorized},
		{"the hash of another", Draft02, other.URI(Draft02, "example.com"), fault.Unauthorized},
		{"the hash of another for any domain", Draft02, other.URI(Draft02, AnyDomain), fault.Unauthorized},
		{"the URL, where it is not accepted", Draft02, accountURL, fault.Unauthorized},
		{"the prefix alone", Draft02, prefix, fault.Malformed},
		{"no algorithm", Draft02, prefix + hash, fault.Malformed},
		{"another algorithm", Draft02, prefix + "sha-512/" + hash, fault.Malformed},
		{"half a hash", Draft02, hashed(hash[:42]), fault.Malformed},
		{"a longer hash", Draft02, hashed(hash + "A"), fault.Malformed},
		{"a padded hash", Draft02, hashed(hash + "="), fault.Malformed},
		{"the standard alphabet", Draft02, hashed(strings.ReplaceAll(hash, "-", "+")), fault.Malformed},
		{"bits beyond the hash", Draft02, hashed(hash[:42] + "x"), fault.Malformed},
	} {
		t.Run(string(test.draft)+" "+test.name, func(t *testing.T) {
			g := wantJudgement(t, wanted(test.draft), test.kind, grant(test.uri, ""))
			if test.kind == "" && g.AccountURI != test.uri {
				t.Errorf("granted to %q", g.AccountURI)
			}
		})
	}
}

// TestJudgeSeveral: each record is judged alone, and the nearest is told about.
//
// Proves DP-01.
func TestJudgeSeveral(t *testing.T) {
	w := wanted(Draft01)
	good, over := grant(accountURL, ""), grant(accountURL, "; persistUntil=1")
	soon, late := fmt.Sprint(now.Unix()+10), fmt.Sprint(now.Unix()+20)
	noise := []string{"v=spf1 -all", "other.example; accounturi=https://other.example/1", grant(accountURL, "; a; b"), grant("https://ca.example/acct/124", "; policy=wildcard"), over}
	wantJudgement(t, w, "", append(noise, good)...)
	wantJudgement(t, w, "", append([]string{good}, noise...)...)
	w.Beyond = true
	wantJudgement(t, w, fault.Unauthorized, append(noise, good)...) // another account's policy is not ours
	w.Beyond = false

	for _, test := range []struct {
		records []string
		until   int64 // seconds from now; 0: no end
	}{
		{[]string{grant(accountURL, "; persistUntil="+soon), grant(accountURL, "; persistUntil="+late)}, 20},
		{[]string{grant(accountURL, "; persistUntil="+late), grant(accountURL, "; persistUntil="+soon)}, 20},
		{[]string{grant(accountURL, "; persistUntil="+late), good}, 0},
		{[]string{good, grant(accountURL, "; persistUntil="+late)}, 0},
	} {
		g := wantJudgement(t, w, "", test.records...)
		if test.until == 0 && !g.Until.IsZero() || test.until != 0 && g.Until.Unix() != now.Unix()+test.until {
			t.Errorf("%q end at %v", test.records, g.Until)
		}
	}

	for _, test := range []struct {
		want    string
		records []string
	}{
		{"its persistUntil is over", noise},
		{"is not that of this account", noise[:4]},
		{"what follows the name of the CA", noise[:3]},
		{"another CA", noise[:2]},
		{"of RFC 8659", noise[:1]},
	} {
		_, err := w.Judge(test.records)
		if got := fault.Sentence(err); !strings.Contains(got, test.want) || !strings.Contains(got, "_validation-persist.example.com") {
			t.Errorf("%d records: %s", len(test.records), got)
		}
	}
}

func TestRecord(t *testing.T) {
	for beyond, want := range map[bool]string{
		false: "ca.example; accounturi=" + accountURL,
		true:  "ca.example; accounturi=" + accountURL + "; policy=wildcard",
	} {
		got := Record("ca.example", accountURL, beyond)
		if got != want {
			t.Errorf("%q", got)
		}
		w := wanted(Draft01)
		w.Beyond = beyond
		wantJudgement(t, w, "", got)
	}
}

// FuzzJudge: no record panics, tells of its bytes, or proves anything without the URI of the account in it.
func FuzzJudge(f *testing.F) {
	f.Add("ca.example; accounturi="+accountURL, false)
	f.Add("ca.example; accounturi="+prefix+"sha-256/"+hash+"; policy=wildcard; persistUntil=1900000000", true)
	f.Add("ca.example; accounturi=CANARY; persistUntil=x", true)
	f.Fuzz(func(t *testing.T, record string, beyond bool) {
		for _, draft := range Drafts() {
			w := wanted(draft)
			w.Beyond = beyond
			g, err := w.Judge([]string{record})
			if err == nil && (!strings.Contains(record, g.AccountURI) || g.AccountURI == "" || beyond && !strings.Contains(strings.ToLower(record), "wildcard")) {
				t.Errorf("%s: %q proves something: %+v", draft, record, g)
			}
			if err != nil && strings.Contains(fault.Sentence(err), "CANARY") {
				t.Errorf("%s: %s", draft, fault.Sentence(err))
			}
		}
	})
}
