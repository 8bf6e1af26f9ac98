package jws

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
)

// TestNonces has N-05 for bodies that are refused before their header is read.
func TestNonces(t *testing.T) {
	p := b64(`{"alg":"ES256","nonce":"one","x":{"nonce":["two"]}}`)
	standard := base64.RawStdEncoding.EncodeToString([]byte(`{"x":"\u00fb\u00ff\u00fe\u00ff>>>???","nonce":"plus"}`))
	if !strings.Contains(standard, "+") || !strings.Contains(standard, "/") {
		t.Fatalf("%s is in both alphabets", standard)
	}
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
		{"B-01 the standard alphabet", `{"protected":"` + standard + `"}`, []string{"plus"}},
		{"B-01 the standard alphabet, padded", `{"protected":"` + standard + `=="}`, []string{"plus"}},
		{"B-01 escaped solidus", `{"protected":"` + strings.ReplaceAll(standard, "/", `\/`) + `"}`, []string{"plus"}},
		{"B-01 whitespace before", `{"protected":" \t` + p + `"}`, []string{"one"}},
		{"B-01 whitespace within", `{"protected":"` + p[:7] + " \\r\\n\u00a0" + p[7:] + ` "}`, []string{"one"}},
		{"B-01 a plus before", `{"protected":"+` + p + `"}`, []string{"one"}},
		{"B-01 pluses and whitespace before", `{"protected":" +/-_+` + p + `"}`, []string{"one"}},
		{"B-01 one character too many", `{"protected":"` + b64(`{"nonce":"abc"}`) + `A"}`, []string{"abc"}},
		{"a header in plain JSON", `{"protected":{"alg":"ES256","nonce":"a","x":{"nonce":"b"}},"payload":""}`, []string{"a", "b"}},
		{"a header in plain JSON, cut short", `{"protected":{"nonce":"a","url":"`, []string{"a"}},
		{"a header as a JSON text", `{"protected":"{\"nonce\":\"a\"}"}`, []string{"a"}},
		{"an unprotected header", `{"header":{"nonce":"b"},"protected":"` + p + `"}`, []string{"b", "one"}},
		{"a byte order mark", byteOrderMark + `{"protected":"` + p + `"}`, []string{"one"}},
		{"a byte order mark in the header", `{"protected":"` + b64(byteOrderMark+`{"nonce":"a"}`) + `"}`, []string{"a"}},
		{"a byte order mark before the compact form", byteOrderMark + p + ".e30.AA", []string{"one"}},
		{"the compact form as a JSON text", `"` + p + `.e30.AA"`, []string{"one"}},
		{"B-04 Protected", `{"Protected":"` + p + `"}`, []string{"one"}},
		{"B-04 PROTECTED and Nonce", `{"PROTECTED":"` + b64(`{"Nonce":"a"}`) + `"}`, []string{"a"}},
		{"no string", `{"protected":{"nonce":1}}`, nil},
		{"no base64", `{"protected":"!%&"}`, nil},
		{"the word as a value", `["protected","protected"]`, nil},
		{"no header", `{"nonce":"a","payload":"` + p + `"}`, []string{"a"}},
		{"a payload", `{"payload":"` + p + `"}`, nil},
		{"behind an error of syntax", `{"payload":,"protected":"` + p + `"}`, nil},
		{"the limit", `{"protected":"` + p + `"}` + strings.Repeat(" ", MaxBody-len(p)-16), []string{"one"}},
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
