package spelling_test

import (
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/config/spelling"
)

func TestNearest(t *testing.T) {
	known := []string{"data", "listen", "public-listen", "log-level", "log-format", "drain"}
	tests := []struct{ word, want string }{
		{"listen", "listen"},
		{"listn", "listen"},
		{"lsiten", "listen"},
		{"publik-listen", "public-listen"},
		{"log-leve", "log-level"},
		{"dta", "data"},
		{"d", ""},
		{"xx", ""},
		{"", ""},
		{"completely-else", ""},
		{"drein", "drain"},
		{"date", "data"},
		{"lister", "listen"},
		{"rain", "drain"},
		{"flat", ""}, // three slips make another word of four letters
		{strings.Repeat("x", 10_000), ""},
	}
	for _, tt := range tests {
		if got := spelling.Nearest(tt.word, known); got != tt.want {
			t.Errorf("Nearest(%.20q) = %q, want %q", tt.word, got, tt.want)
		}
	}
	if got := spelling.Nearest("log-lormat", known); got != "log-format" {
		t.Errorf("the nearer of two: got %q", got)
	}
	if got := spelling.Nearest("listen", nil); got != "" {
		t.Errorf("nothing known: got %q", got)
	}
}
