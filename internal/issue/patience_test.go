package issue

import (
	"strconv"
	"testing"
	"time"
)

func TestPatience(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	var p patience
	for _, step := range []struct {
		about, intent string
		after, want   time.Duration
	}{
		{"the first try", "a", 0, 0},
		{"a later one", "a", time.Minute, time.Minute},
		{"another intent", "b", 2 * time.Minute, 0},
		{"the first again", "a", 3 * time.Minute, 3 * time.Minute},
	} {
		if got := p.failed(step.intent, noon.Add(step.after)); got != step.want {
			t.Errorf("%s: %v, want %v", step.about, got, step.want)
		}
	}
	p.forget(noon.Add(3 * time.Minute))
	if got := p.failed("a", noon.Add(4*time.Minute)); got != 4*time.Minute {
		t.Errorf("what failed in this round was forgotten: %v", got)
	}
	if got := p.failed("b", noon.Add(4*time.Minute)); got != 0 {
		t.Errorf("what did not fail in this round was kept: %v", got)
	}
}

func TestPatienceIsBounded(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	var p patience
	for i := range maxFailing {
		p.failed(strconv.Itoa(i), noon)
	}
	p.failed("one too many", noon)
	if got := p.failed("one too many", noon.Add(time.Hour)); got != 0 || len(p.failing) != maxFailing {
		t.Errorf("%v, %d are kept", got, len(p.failing))
	}
	if got := p.failed("0", noon.Add(time.Hour)); got != time.Hour {
		t.Errorf("one of those kept: %v", got)
	}
}
