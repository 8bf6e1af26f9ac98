package strictjson_test

import (
	"bytes"
	"encoding/base64"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/strictjson"
)

func TestBase64URLAccepts(t *testing.T) {
	tests := map[string][]byte{
		"":         {},
		"AA":       {0},
		"AAA":      {0, 0},
		"AAAA":     {0, 0, 0},
		"-_-_":     {0xfb, 0xff, 0xbf},
		"Zm9vYmE":  []byte("fooba"), // RFC 4648 section 10
		"Zm9vYmFy": []byte("foobar"),
	}
	for in, want := range tests {
		got, err := strictjson.Base64URL(in)
		if err != nil || got == nil || !bytes.Equal(got, want) {
			t.Errorf("%q: got %v, %v; want %v", in, got, err, want)
		}
	}
}

func TestBase64URLRefuses(t *testing.T) {
	const (
		padding   = `it ends in "="; send it without padding`
		alphabet  = `it has "+" or "/"; send "-" and "_" in their place`
		trailing  = "its last character has unused bits that are not zero"
		lineBreak = "it has a line break"
		foreign   = "it has a character outside A-Z, a-z, 0-9, - and _"
		short     = "it is cut short"
	)
	tests := []struct{ name, in, why string }{
		{"B-01", "AA==", padding},
		{"B-01", "AAA=", padding},
		{"B-01", "AAAA====", padding},
		{"B-01", "=", padding},
		{"B-02", "A+AA", alphabet},
		{"B-02", "AA/A", alphabet},
		{"B-03", "AB", trailing},
		{"B-03", "AAAAAP", trailing},
		{"B-03", "AAB", trailing},
		{"B-04", "AA\n", lineBreak},
		{"B-04", "AA\r\nAA", lineBreak},
		{"B-04", "\n", lineBreak},
		{"B-04", "AA AA", foreign},
		{"B-04", "AAAA\t", foreign},
		{"other", "AA=A", foreign},
		{"other", "AAA\x00", foreign},
		{"other", "AAé", foreign},
		{"other", "A", short},
		{"other", "AAAAA", short},
	}
	for _, tt := range tests {
		_, err := strictjson.Base64URL(tt.in)
		checkRefusal(t, err)
		want := "This is not base64url as RFC 8555 section 6.1 defines it: " + tt.why + "."
		if public := fault.Sentence(err); public != want {
			t.Errorf("%s %q: got %q, want %q", tt.name, tt.in, public, want)
		}
	}
}

func TestBytesWritesWhatItReads(t *testing.T) {
	text, err := json.Marshal(strictjson.Bytes{0xfb, 0xff, 0xbf, 0})
	if err != nil || string(text) != `"-_-_AA"` {
		t.Fatalf("got %s, %v", text, err)
	}
	var back strictjson.Bytes
	if err := json.Unmarshal(text, &back); err != nil || !bytes.Equal(back, []byte{0xfb, 0xff, 0xbf, 0}) {
		t.Errorf("got %v, %v", back, err)
	}
}

// FuzzBase64URL: one spelling for each octet sequence.
func FuzzBase64URL(f *testing.F) {
	for _, seed := range []string{"", "AA", "AB", "AA==", "-_-_", "+/+/", "AA\n", "A"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		octets, err := strictjson.Base64URL(in)
		if err != nil {
			checkRefusal(t, err)
			return
		}
		if again := base64.RawURLEncoding.EncodeToString(octets); again != in {
			t.Errorf("%q is another spelling of %q", in, again)
		}
	})
}
