package limit

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/span"
)

func names(t *testing.T, texts ...string) []ident.Identifier {
	t.Helper()
	var ids []ident.Identifier
	for _, text := range texts {
		kind := "dns"
		if _, err := netip.ParseAddr(text); err == nil {
			kind = "ip"
		}
		id, err := ident.Parse(kind, text)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ident.Set(ids)
}

func hourly(k Kind, subject string, n int) Charge {
	return Charge{Key: Key{k, subject}, Rate: Rate{n, span.Span(time.Hour)}}
}

// take judges charges one after another as a store does, and returns the error of the last.
func takeTimes(t *testing.T, n int, kept []Level, now time.Time, charges ...Charge) ([]Level, error) {
	t.Helper()
	var err error
	for range n {
		var next []Level
		if next, err = Judge(charges, kept, now); err != nil {
			return kept, err
		}
		for _, l := range next {
			kept = append(slices.DeleteFunc(kept, func(k Level) bool { return k.Key == l.Key }), l)
		}
	}
	return kept, err
}

// Of several limits that refuse, the wait is the longest; a limit that would allow is not charged. Proves R-02.
func TestAllLimitsAreJudgedTogether(t *testing.T) {
	account, domain, other := hourly(OrdersPerAccount, "a", 2), hourly(OrdersPerDomain, "example.com", 1), hourly(OrdersPerIdentifier, "example.com", 9)
	kept, err := takeTimes(t, 1, nil, noon, account, domain, other)
	if err != nil || len(kept) != 3 {
		t.Fatal(kept, err)
	}
	kept, err = takeTimes(t, 1, kept, noon, account)
	if err != nil {
		t.Fatal(err)
	}
	next, err := Judge([]Charge{account, domain, other}, kept, noon)
	refused, ok := errors.AsType[*fault.Error](err)
	if !ok || refused.Kind != fault.RateLimited || refused.RetryAfter != time.Hour || next != nil {
		t.Fatalf("%v, %+v, %v", next, refused, err)
	}
	for _, part := range []string{"2 new orders of this account", "1 new orders for names of example.com", "Try again after 2026-11-28 13:00:00 UTC."} {
		if !strings.Contains(refused.Public, part) {
			t.Errorf("%q does not say %q", refused.Public, part)
		}
	}
	if _, err := Judge([]Charge{account, domain, other}, kept, noon.Add(refused.RetryAfter)); err != nil {
		t.Errorf("when it was told: %v", err)
	}
	if _, err := Judge([]Charge{account, domain, other}, kept, noon.Add(refused.RetryAfter-time.Second)); !fault.Is(err, fault.RateLimited) {
		t.Errorf("a second before: %v", err)
	}
}

func TestAskingTakesNothing(t *testing.T) {
	ask := hourly(CertificatesPerSet, "example.com", 1)
	ask.Ask = true
	if kept, err := takeTimes(t, 10, nil, noon, ask); err != nil || len(kept) != 0 {
		t.Fatal(kept, err)
	}
	full, err := takeTimes(t, 1, nil, noon, hourly(CertificatesPerSet, "example.com", 1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Judge([]Charge{ask}, full, noon); !fault.Is(err, fault.RateLimited) {
		t.Errorf("asked when all is taken: %v", err)
	}
}

func TestManyReasonsAreCutShort(t *testing.T) {
	var charges []Charge
	for _, subject := range []string{"a", "b", "c", "d", "e"} {
		charges = append(charges, hourly(OrdersPerIdentifier, subject, 1))
	}
	kept, err := takeTimes(t, 1, nil, noon, charges...)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Judge(charges, kept, noon)
	if text := fault.Sentence(err); !strings.Contains(text, "2 more limits refuse it.") || strings.Contains(text, "for d ") {
		t.Error(text)
	}
}

// Failures in a row pause, a pause says what to do, ends by itself, and counts nothing that another account does.
func TestPause(t *testing.T) {
	declared := Limits{Rates: map[Kind]Rate{FailedValidations: {}, FailuresInARow: {Count: 3}}}
	charge := declared.Proof("account1", "example.com", noon)
	level, began := Level{Key: charge.Key}, 0
	for range 4 {
		var pauses bool
		if level, pauses = level.Fail(charge, noon); pauses {
			began++
		}
	}
	if level.Row != 4 || began != 1 {
		t.Fatalf("%+v, began %d times", level, began)
	}
	charge.Ask = true
	_, err := Judge([]Charge{charge}, []Level{level}, noon)
	refused, ok := errors.AsType[*fault.Error](err)
	if !ok || refused.RetryAfter != PauseLife {
		t.Fatalf("%+v", err)
	}
	for _, part := range []string{"pauses for example.com", "4 failed validations in a row", "everleaf limit resume"} {
		if !strings.Contains(refused.Public, part) {
			t.Errorf("%q does not say %q", refused.Public, part)
		}
	}
	if _, err := Judge([]Charge{charge}, []Level{level}, noon.Add(PauseLife)); err != nil {
		t.Errorf("after its end: %v", err)
	}
	if _, err := Judge([]Charge{declared.Proof("account2", "example.com", noon)}, []Level{level}, noon); err != nil {
		t.Errorf("another account: %v", err)
	}
}

func TestRatesAndOverrides(t *testing.T) {
	two, none := Rate{2, span.Span(time.Hour)}, Rate{}
	l := Limits{
		Rates: map[Kind]Rate{OrdersPerAccount: two, AccountsPerAddress: none},
		Overrides: []Override{
			{Kind: OrdersPerAccount, For: "a", Rate: none, Until: noon},
			{Kind: OrdersPerAccount, For: "a", Rate: Rate{9, two.Period}},
			{Kind: AccountsPerAddress, For: "10.0.0.0/8", Rate: two},
			{Kind: AccountsPerAddress, For: "2001:db8::/32", Rate: two},
		},
	}
	for _, c := range []struct {
		kind    Kind
		subject string
		at      time.Time
		want    Rate
	}{
		{OrdersPerAccount, "b", noon, two},
		{OrdersPerAccount, "a", noon.Add(-1), none},
		{OrdersPerAccount, "a", noon, Rate{9, two.Period}},
		{AccountsPerAddress, "192.0.2.1", noon, none},
		{AccountsPerAddress, "10.1.2.3", noon, two},
		{AccountsPerAddress, "2001:db8:1::/64", noon, two},
		{AccountsPerAddress, "2001:db9:1::/64", noon, none},
		{FailedValidations, "x", noon, FailedValidations.Usual()},
	} {
		if got := l.Charge(c.kind, c.subject, c.at).Rate; got != c.want {
			t.Errorf("%s of %s at %v: %s, want %s", c.kind, c.subject, c.at, got, c.want)
		}
	}
	if found := l.Check(); len(found) != 0 {
		t.Error(found)
	}
	l.Rates[FailuresInARow], l.Rates[OrdersPerSet], l.Rates["orders"] = two, Rate{Count: 2}, two
	if found := l.Check(); len(found) != 3 {
		t.Error(found)
	}
}

// A new account meets the limits on names as others left them; a renewal meets none of them. Proves.
func TestWhatAnOrderCosts(t *testing.T) {
	rate := Rate{1, span.Span(time.Hour)}
	l := Limits{Rates: map[Kind]Rate{}}
	for _, k := range Kinds() {
		l.Rates[k] = rate
	}
	l.Rates[FailuresInARow] = Rate{Count: 5}
	ids := names(t, "example.co.uk", "*.example.co.uk", "a.example.co.uk", "192.0.2.1")
	got := func(o Order) (list []string) {
		for _, c := range l.Order(o, noon) {
			text := string(c.Kind) + " " + c.Subject
			if c.Ask {
				text += " asked"
			}
			list = append(list, text)
		}
		return list
	}
	whole := Order{Account: "one", Credential: "key", Identifiers: ids, Open: ids[:2]}
	const set = "*.example.co.uk,a.example.co.uk,example.co.uk,192.0.2.1"
	want := []string{
		"orders-per-account one", "orders-per-credential key",
		"orders-per-domain example.co.uk", "orders-per-identifier *.example.co.uk", "orders-per-identifier a.example.co.uk",
		"orders-per-identifier example.co.uk", "orders-per-domain 192.0.2.1", "orders-per-identifier 192.0.2.1",
		"orders-per-set " + set, "certificates-per-set " + set + " asked",
		"failed-validations one example.co.uk asked", "failed-validations one a.example.co.uk asked",
	}
	if list := got(whole); !slices.Equal(list, want) {
		t.Errorf("got  %q\nwant %q", list, want)
	}
	other := whole
	other.Account = "two"
	if list := got(other); !slices.Equal(list[1:10], want[1:10]) {
		t.Errorf("another account: %q", list)
	}
	renewal := whole
	renewal.Renews = true
	if list := got(renewal); !slices.Equal(list, append(want[:2:2], want[10:]...)) {
		t.Errorf("a renewal: %q", list)
	}
	advance := whole
	advance.Advance = true
	if list := got(advance); !slices.Equal(list, append(want[:8:8], want[10:]...)) {
		t.Errorf("in advance: %q", list)
	}
	if usual := (Limits{}).Order(whole, noon); len(usual) != 2 || !usual[0].Ask || !usual[1].Ask {
		t.Errorf("usually: %+v", usual)
	}
}

// The scope of a credential counts beside what its connector says of all, and an override is for both.
func TestQuotaOfACredential(t *testing.T) {
	hourly, daily, none := Rate{5, span.Span(time.Hour)}, Rate{3, span.Day}, Rate{}
	l := Limits{Rates: map[Kind]Rate{OrdersPerCredential: hourly}}
	overridden := Limits{Rates: l.Rates, Overrides: []Override{{Kind: OrdersPerCredential, For: "key", Rate: none}}}
	for _, c := range []struct {
		limits Limits
		quota  int
		want   []Rate
	}{
		{l, 0, []Rate{hourly}}, {l, 3, []Rate{hourly, daily}}, {Limits{}, 3, []Rate{daily}}, {overridden, 3, nil}, {Limits{}, 0, nil},
	} {
		var got []Rate
		for _, charge := range c.limits.Order(Order{Account: "a", Credential: "key", Quota: c.quota, Identifiers: names(t, "a.example")}, noon) {
			got = append(got, charge.Rate)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("quota %d: %v, want %v", c.quota, got, c.want)
		}
	}
}

func TestSubjects(t *testing.T) {
	for text, want := range map[string]string{
		"www.example.com": "example.com", "example.com": "example.com", "a.b.example.co.uk": "example.co.uk", "*.shop.example.com": "example.com",
		"me.github.io": "me.github.io", "x.me.github.io": "me.github.io", "github.io": "github.io",
		"db.corp.internal": "db.corp.internal", "printer": "printer",
		"192.0.2.1": "192.0.2.1", "2001:db8::1": "2001:db8::/64",
	} {
		if got := Domain(names(t, text)[0]); got != want {
			t.Errorf("domain of %s: %s, want %s", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
	} {
		if got := Address(netip.MustParseAddr(text)); got != want {
			t.Errorf("address of %s: %s, want %s", text, got, want)
		}
	}
	if got := Address(netip.Addr{}); got != "" {
		t.Errorf("no address: %q", got)
	}
	var many []string
	for c := 'a'; c <= 'z'; c++ {
		many = append(many, string(c)+".example.com")
	}
	if got := Set(names(t, many...)); len(got) != len("sha256:")+64 || got == Set(names(t, many[1:]...)) {
		t.Errorf("many names: %q", got)
	}
	if account, id := SplitPair(Pair("a", "b")); account != "a" || id != "b" {
		t.Error(account, id)
	}
}
