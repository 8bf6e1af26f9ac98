package issuevalue

import (
	"reflect"
	"strings"
	"testing"
)

// TestParse: the grammar of RFC 8659 section 4.2, with its white space and without any leniency.
//
// Proves DP-01.
func TestParse(t *testing.T) {
	account := Parameter{"accounturi", "https://ca.example/acct/123"}
	tests := []struct {
		text string
		want Value
		ok   bool
	}{
		{"", Value{}, true},
		{";", Value{}, true},
		{" ; ", Value{}, true},
		{"ca.example", Value{Issuer: "ca.example"}, true},
		{"\t CA.Example \t", Value{Issuer: "ca.example"}, true},
		{"ca.example;", Value{Issuer: "ca.example"}, true},
		{"ca1.example.net; account=230123", Value{"ca1.example.net", []Parameter{{"account", "230123"}}}, true},
		{"ca.example;AccountURI=https://ca.example/acct/123", Value{"ca.example", []Parameter{account}}, true},
		{"ca.example ;\taccounturi \t= https://ca.example/acct/123\t; policy=Wildcard ", Value{"ca.example", []Parameter{account, {"policy", "Wildcard"}}}, true},
		{"; policy=wildcard", Value{"", []Parameter{{"policy", "wildcard"}}}, true},
		{"ca.example; a=", Value{"ca.example", []Parameter{{"a", ""}}}, true},
		{"ca.example; a=b=c", Value{"ca.example", []Parameter{{"a", "b=c"}}}, true},
		{"ca.example; a=1; A=2", Value{"ca.example", []Parameter{{"a", "1"}, {"a", "2"}}}, true},

		{"ca.example; a=1;", Value{Issuer: "ca.example"}, false},
		{"ca.example;; a=1", Value{Issuer: "ca.example"}, false},
		{"ca.example; a", Value{Issuer: "ca.example"}, false},
		{"ca.example; =1", Value{Issuer: "ca.example"}, false},
		{"ca.example; a_b=1", Value{Issuer: "ca.example"}, false},
		{"ca.example; a-=1", Value{Issuer: "ca.example"}, false},
		{"ca.example; a=b c", Value{Issuer: "ca.example"}, false},
		{"ca.example; a=\x7f", Value{Issuer: "ca.example"}, false},
		{"ca.example; a=ü", Value{Issuer: "ca.example"}, false},
		{"ca.example; \u212a=1", Value{Issuer: "ca.example"}, false},
		{"\u212a.example", Value{}, false}, // the sign for Kelvin, whose lower case is "k"
		{"ca.example.", Value{}, false},
		{"ca..example", Value{}, false},
		{"-ca.example", Value{}, false},
		{"ca_1.example", Value{}, false},
		{"v=spf1 -all", Value{}, false},
		{"ca.example\n; a=1", Value{}, false},
		{"ca.example; a=" + strings.Repeat("b", MaxLength), Value{}, false},
	}
	for _, test := range tests {
		got, err := Parse(test.text)
		if (err == nil) != test.ok || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%.60q is %+v, %v; want %+v, %t", test.text, got, err, test.want, test.ok)
		}
	}
}

func TestGet(t *testing.T) {
	v, err := Parse("ca.example; a=1; b=2; A=3")
	if err != nil {
		t.Fatal(err)
	}
	for tag, want := range map[string]int{"a": 2, "b": 1, "c": 0} {
		if _, times := v.Get(tag); times != want {
			t.Errorf("%s stands there %d times, not %d", tag, times, want)
		}
	}
	if value, _ := v.Get("b"); value != "2" || !v.Repeats() {
		t.Errorf("b is %q, repeats %t", value, v.Repeats())
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", ";", "ca.example", "ca.example; accounturi=https://ca.example/1; policy=wildcard", "ca.example; a", "v=spf1 -all"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := Parse(text)
		if err != nil {
			if v.Parameters != nil {
				t.Errorf("%q is broken and has parameters", text)
			}
			return
		}
		again, err := Parse(v.String())
		if err != nil || !reflect.DeepEqual(v, again) {
			t.Errorf("%q reads as %+v, and written again as %+v, %v", text, v, again, err)
		}
	})
}
