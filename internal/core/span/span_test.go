package span_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/span"
)

const day = 24 * time.Hour

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		length  time.Duration
		written string
	}{
		"90d":            {90 * day, "90d"},
		"160h":           {160 * time.Hour, "6d16h"},
		"2m":             {2 * time.Minute, "2m"},
		"1d12h":          {36 * time.Hour, "1d12h"},
		"0d":             {0, "0s"},
		"0s":             {0, "0s"},
		"24h":            {day, "1d"},
		"1h30m":          {90 * time.Minute, "1h30m"},
		"1d0h":           {day, "1d"},
		"1d1s":           {day + time.Second, "1d1s"},
		"10m":            {10 * time.Minute, "10m"},
		"20h":            {20 * time.Hour, "20h"},
		"100s":           {100 * time.Second, "1m40s"},
		"1h0m10s":        {time.Hour + 10*time.Second, "1h0m10s"},
		"1.5h":           {90 * time.Minute, "1h30m"},
		"250ms":          {250 * time.Millisecond, "250ms"},
		"65535d":         {65535 * day, "65535d"},
		"1d0.5s":         {day + time.Second/2, "1d500ms"},
		"0065d":          {65 * day, "65d"},
		"1572863h59m59s": {65536*day - time.Second, "65535d23h59m59s"},
	} {
		got, err := span.Parse(text)
		if err != nil || got.Duration() != want.length || got != span.Of(want.length) || got.String() != want.written {
			t.Errorf("Parse(%q) = %v (%d), %v; want %q (%d)", text, got, got, err, want.written, want.length)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "d", "h", "90", "ninety days", "-1d", "+1d", "-2h", "1d-1h", "1d 12h", " 1d", "1dd", "1d1d", "12h1d", "1.5d", "65536d",
		"18446744073709551617d", "1572864h", "65535d24h", "2562048h", "65535d2000000h", "1w", "90D", "1d\n", "９d",
	} {
		if got, err := span.Parse(text); !errors.Is(err, span.ErrSpan) || got != 0 {
			t.Errorf("Parse(%q) = %v, %v; want a refusal", text, got, err)
		}
	}
}

// A span stands in JSON as people write it.
func TestText(t *testing.T) {
	t.Parallel()
	type setting struct{ Lifetime span.Span }
	text, err := json.Marshal(setting{90 * span.Day})
	if err != nil || string(text) != `{"Lifetime":"90d"}` {
		t.Errorf("%s, %v", text, err)
	}
	var read setting
	if err := json.Unmarshal([]byte(`{"Lifetime":"1d12h"}`), &read); err != nil || read.Lifetime.Duration() != 36*time.Hour {
		t.Errorf("%v, %v", read, err)
	}
	for _, bad := range []string{`{"Lifetime":"soon"}`, `{"Lifetime":90}`, `{"Lifetime":""}`} {
		if err := json.Unmarshal([]byte(bad), &read); err == nil {
			t.Errorf("%s was read as %v", bad, read.Lifetime)
		}
	}
}

// What is read can be written, and what is written reads the same.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"90d", "160h", "1d12h", "2m", "1h0m10s", "65535d23h59m59s", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		read, err := span.Parse(text)
		if err != nil {
			return
		}
		if read < 0 || read > span.Max {
			t.Errorf("%q is %d", text, read)
		}
		if again, err := span.Parse(read.String()); err != nil || again != read {
			t.Errorf("%q is written %q and read %v, %v", text, read, again, err)
		}
	})
}
