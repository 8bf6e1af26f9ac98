package render_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"

	"go.yaml.in/yaml/v4"

	"github.com/everleaf-pki/everleaf/internal/cli/render"
)

// sample holds what YAML would read as something else than JSON's text.
type sample struct {
	Words []string          `json:"words"`
	PEM   string            `json:"pem"`
	When  time.Time         `json:"when"`
	Never time.Time         `json:"never,omitzero"`
	Big   int64             `json:"big"`
	Yes   bool              `json:"yes"`
	None  *sample           `json:"none"`
	Empty []string          `json:"empty"`
	Map   map[string]string `json:"map"`
}

func newSample() sample {
	return sample{
		Big: 1<<53 - 1, Yes: true, Empty: []string{},
		Words: []string{
			"plain", "", " ", "123", "0123", "12e45", "true", "no", "null", "~", "2026-11-23", "2026-11-23T12:00:00Z", "0x1f", ".5",
			"a: b", "- a", "#c", "@", "`", "&a", "*a", "!t", "%", "\"", "'", "[", "{", "\\", "tab\t", "bell\a", "ü", "𝒜", "trailing ", "<<", "=",
			"\x1b[2J", "c1 \u009b2J", "\u202eright to left", "\u00a0", "\ufeff", "\U000e0001tag", "\x7f", "line\nwith \x1b", "\u2028",
		},
		PEM:  "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
		When: time.Date(2026, 2, 21, 11, 59, 59, 0, time.UTC),
		Map:  map[string]string{"*.example.com": "x"},
	}
}

// YAML and JSON say the same.
func TestTreeIsTheSameInBoth(t *testing.T) {
	var asJSON, asYAML bytes.Buffer
	if err := render.Tree(&asJSON, render.JSON, newSample()); err != nil {
		t.Fatal(err)
	}
	if err := render.Tree(&asYAML, render.YAML, newSample()); err != nil {
		t.Fatal(err)
	}
	var fromJSON, fromYAML any
	if err := json.Unmarshal(asJSON.Bytes(), &fromJSON); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(asYAML.Bytes(), &fromYAML); err != nil {
		t.Fatalf("%v\n%s", err, asYAML.String())
	}
	text, err := json.Marshal(fromYAML)
	if err != nil {
		t.Fatalf("YAML has what JSON has not: %v", err)
	}
	if err := json.Unmarshal(text, &fromYAML); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(fromJSON, fromYAML) {
		t.Errorf("JSON %v\nYAML %v\n%s", fromJSON, fromYAML, asYAML.String())
	}
	for _, text := range []string{asJSON.String(), asYAML.String()} {
		if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("what a terminal would obey is there raw: %q", text[i:min(len(text), i+20)])
		}
	}
	original := newSample().Words
	for i, word := range fromJSON.(map[string]any)["words"].([]any) {
		if word != original[i] {
			t.Errorf("got %q, want %q", word, original[i])
		}
	}
}

func TestTreeText(t *testing.T) {
	value := struct {
		Names  []string `json:"names"`
		PEM    string   `json:"pem"`
		Serial string   `json:"serial"`
		Empty  []string `json:"empty"`
	}{[]string{"a.example"}, "a\nb\n", "12e4", nil}
	for format, want := range map[render.Format]string{
		render.JSON: `{
  "schema_version": 1,
  "names": [
    "a.example"
  ],
  "pem": "a\nb\n",
  "serial": "12e4",
  "empty": []
}
`,
		render.YAML: `schema_version: 1
names:
  - a.example
pem: |
  a
  b
serial: "12e4"
empty: []
`,
	} {
		var out strings.Builder
		if err := render.Tree(&out, format, value); err != nil {
			t.Fatal(err)
		}
		if out.String() != want {
			t.Errorf("%s: got\n%s", format, out.String())
		}
	}
	if err := render.Tree(&bytes.Buffer{}, render.Table, value); err == nil {
		t.Error("a table is no form for a tree")
	}
}

func TestRows(t *testing.T) {
	r := render.Rows{Header: []string{"NAME", "STATUS", "NOTE"}}
	r.Add("a", "valid", "")
	r.Add("longer-name", "", "esc \x1b[2J\u202e\xff")
	var out strings.Builder
	if err := r.Write(&out); err != nil {
		t.Fatal(err)
	}
	want := "NAME         STATUS  NOTE\na            valid   -\nlonger-name  -       esc \ufffd[2J\ufffd\ufffd\n"
	if out.String() != want {
		t.Errorf("got  %q\nwant %q", out.String(), want)
	}
}

// TestAlignment has text whose length in octets, in characters and in columns of a terminal are three numbers.
func TestAlignment(t *testing.T) {
	r := render.Rows{Header: []string{"NAME", "END"}}
	for _, name := range []string{"Länder", "日本語", "e\u0301", "한국", "ＡＢ", "🌿"} {
		r.Add(name, "|")
	}
	var out strings.Builder
	if err := r.Write(&out); err != nil {
		t.Fatal(err)
	}
	want := "NAME    END\nLänder  |\n日本語  |\ne\u0301       |\n한국    |\nＡＢ    |\n🌿      |\n"
	if out.String() != want {
		t.Errorf("got\n%s", out.String())
	}
	if (&render.Rows{}).Empty() == r.Empty() {
		t.Error("a table with lines is as empty as one without")
	}
}

func TestFacts(t *testing.T) {
	var f render.Facts
	f.Add("Status", "valid")
	f.Add("Names", "a", "b\tc")
	f.Add("Left out", "")
	f.Add("Left out too")
	var out strings.Builder
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	if want := "Status  valid\nNames   a\n        b\ufffdc\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestWhen(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		distance time.Duration
		want     string
	}{
		{0, "2026-11-23T12:00:00Z (now)"},
		{999 * time.Millisecond, "2026-11-23T12:00:00Z (now)"},
		{time.Second, "2026-11-23T12:00:01Z (in 1 second)"},
		{-119 * time.Second, "2026-11-23T11:58:01Z (119 seconds ago)"},
		{2 * time.Minute, "2026-11-23T12:02:00Z (in 2 minutes)"},
		{2*time.Hour - time.Second, "2026-11-23T13:59:59Z (in 119 minutes)"},
		{-2 * time.Hour, "2026-11-23T10:00:00Z (2 hours ago)"},
		{47 * time.Hour, "2026-11-25T11:00:00Z (in 47 hours)"},
		{90*24*time.Hour - time.Second, "2027-02-21T11:59:59Z (in 89 days)"},
		{3650 * 24 * time.Hour, "2036-11-20T12:00:00Z (in 10 years)"},
	}
	for _, tt := range tests {
		if got := render.When(now.Add(tt.distance).In(time.FixedZone("", 3600)), now); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.distance, got, tt.want)
		}
	}
	for _, got := range []string{render.When(time.Time{}, now), render.Day(time.Time{}, now), render.Time(time.Time{})} {
		if got != "" {
			t.Errorf("never: got %q", got)
		}
	}
	late := now.Add(47*time.Hour + time.Millisecond).In(time.FixedZone("", 18*3600))
	if got := render.Day(late, now) + " " + render.Time(late); got != "2026-11-25 (in 47 hours) 2026-11-25T11:00:00Z" {
		t.Errorf("got %q", got)
	}
}

func TestParseFormat(t *testing.T) {
	offered := []render.Format{render.Table, render.JSON}
	if f, err := render.ParseFormat("JSON", offered); f != render.JSON || err != nil {
		t.Errorf("got %q, %v", f, err)
	}
	_, err := render.ParseFormat("yaml", offered)
	if err == nil || err.Error() != `"yaml" is none of table, json` {
		t.Errorf("got %v", err)
	}
}

func TestLists(t *testing.T) {
	long := strings.Repeat("x", 50)
	for want, list := range map[string][]string{
		"":                     nil,
		"a, b, c":              {"a", "b", "c"},
		long:                   {long},
		long + " and 1 more":   {long, "a"},
		"a and 2 more":         {"a", long, "b"},
		"日本, a, bb and 1 more": {"日本", "a", "bb", strings.Repeat("語", 15) + "x"},
	} {
		if got := render.Few(list); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := render.Words([]render.Format{render.JSON, render.YAML}); got != "json, yaml" {
		t.Errorf("got %q", got)
	}
}
