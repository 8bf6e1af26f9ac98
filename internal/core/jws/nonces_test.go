package jws

import (
	"slices"
	"strings"
	"testing"
)

// TestNonces has N-05 for bodies that are refused before their header is read.
func TestNonces(t *testing.T) {
	p := b64(`{"alg":"ES256","nonce":"one","x":{"nonce":["two"]}}`)
	tests := []struct {
		name, body string
		want       []string
	}{
		{"flattened", `{"protected":"` + p + `","payload":"","signature":"AA"}`, []string{"one"}},
		{"B-05 a duplicate member", `{"payload":"","payload":"","protected":"` + p + `"}`, []string{"one"}},
		{"B-05 a duplicate protected", `{"protected":"` + b64(`{"nonce":"first"}`) + `","protected":"` + p + `"}`, []string{"first", "one"}},
		{"B-05 a duplicate nonce", `{"protected":"` + b64(`{"nonce":"a","nonce":"b"}`) + `"}`, []string{"a", "b"}},
		{"J-01 general form", `{"signatures":[{"protected":"` + p + `"}]}`, []string{"one"}},
		{"J-01 compact form", p + ".e30.AA", []string{"one"}},
		{"B-01 padded", `{"protected":"` + b64(`{"nonce":"a"} `) + `="}`, []string{"a"}},
		{"B-06 trailing data", `{"protected":"` + p + `"}}}`, []string{"one"}},
		{"B-06 a header nested too deep", `{"protected":"` + b64(`{"nonce":"a","x":`+strings.Repeat("[", 100)) + `"}`, []string{"a"}},
		{"cut short", `{"protected":"` + p + `","payload":"e3`, []string{"one"}},
		{"no UTF-8", "{\"\xff\":0,\"protected\":\"" + p + `"}`, []string{"one"}},
		{"no string", `{"protected":{"nonce":1}}`, nil},
		{"the word as a value", `["protected","protected"]`, nil},
		{"no header", `{"nonce":"a","payload":"` + p + `"}`, nil},
		{"nothing", "", nil},
		{"dots", strings.Repeat(".", 1000), nil},
		{"too long", `{"protected":"` + p + `"}` + strings.Repeat(" ", MaxBody), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Nonces([]byte(tt.body)); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	many := Nonces([]byte(`{"protected":"` + b64("{"+strings.Repeat(`"nonce":"a",`, 1000)) + `"}`))
	if len(many) != maxNonces {
		t.Errorf("of many %d", len(many))
	}
}
