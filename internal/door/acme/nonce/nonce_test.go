package nonce_test

import (
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/door/acme/nonce"
)

func TestSpend(t *testing.T) {
	identity := nonce.NewIdentity(1)
	source := nonce.New(identity)
	otherBoot, otherNode, otherKey := identity, identity, identity
	otherBoot.Boot[0]++
	otherNode.Node++
	otherKey.Key[0]++
	foreign := func(i nonce.Identity) (last string) { // its counter is one that source has not spent
		s := nonce.New(i)
		for range 10 {
			last = s.Issue()
		}
		return last
	}
	used := source.Issue()
	if err := source.Spend(used); err != nil {
		t.Fatal(err)
	}
	good := source.Issue()
	forged := []byte(good)
	forged[39] = map[bool]byte{true: 'B', false: 'A'}[forged[39] == 'A']

	tests := []struct {
		name, nonce string
		want        fault.Kind
	}{
		{"N-04 used before", used, fault.BadNonce},
		{"N-09 of another start", foreign(otherBoot), fault.BadNonce},
		{"N-09 of another node", foreign(otherNode), fault.BadNonce},
		{"of another key", foreign(otherKey), fault.BadNonce},
		{"forged", string(forged), fault.BadNonce},
		{"cut", good[:36], fault.BadNonce},
		{"empty", "", fault.BadNonce},
		{"long", strings.Repeat("A", 100), fault.BadNonce},
		{"N-06 padded", good + "=", fault.Malformed},
		{"N-06 not base64url", "!" + good[1:], fault.Malformed},
		{"N-06 of the standard alphabet", "+" + good[1:], fault.Malformed},
		{"N-06 with a line break", good + "\n", fault.Malformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := source.Spend(tt.nonce); !fault.Is(err, tt.want) {
				t.Errorf("Spend(%q) = %v, want kind %q", tt.nonce, err, tt.want)
			}
		})
	}
	t.Run("a fresh one is accepted after all of these", func(t *testing.T) {
		if err := source.Spend(good); err != nil {
			t.Error(err)
		}
	})
}

func TestIssueN07(t *testing.T) {
	source := nonce.New(nonce.NewIdentity(0))
	shape := regexp.MustCompile(`^[A-Za-z0-9_-]{40}$`)
	seen := make(map[string]bool, 100_000)
	tags := make(map[string]bool, 100_000)
	for range 100_000 {
		n := source.Issue()
		if !shape.MatchString(n) || seen[n] || tags[n[19:]] {
			t.Fatalf("nonce %q: shape %t, seen %t", n, shape.MatchString(n), seen[n])
		}
		seen[n], tags[n[19:]] = true, true // the 126 bits of the tag that stand in characters of their own
	}
}

func TestParallelN08(t *testing.T) {
	source := nonce.New(nonce.NewIdentity(0))
	for range 200 {
		n := source.Issue()
		var accepted atomic.Int64
		var wait sync.WaitGroup
		for range 64 {
			wait.Go(func() {
				if source.Spend(n) == nil {
					accepted.Add(1)
				}
			})
		}
		wait.Wait()
		if got := accepted.Load(); got != 1 {
			t.Fatalf("one nonce was accepted %d times", got)
		}
	}
}

// TestBoundedN10 issues a million nonces, then spends 100,000 others, and looks at the heap.
func TestBoundedN10(t *testing.T) {
	source := nonce.New(nonce.NewIdentity(0))
	heap := func() uint64 {
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	before := heap()
	for range 1_000_000 {
		source.Issue()
	}
	if grown := int64(heap()) - int64(before); grown > 64<<10 {
		t.Errorf("a million nonces that nobody used took %d octets", grown)
	}
	for range 100_000 {
		if err := source.Spend(source.Issue()); err != nil {
			t.Fatal(err)
		}
	}
	if grown := int64(heap()) - int64(before); grown > 128<<10 {
		t.Errorf("100,000 spent nonces took %d octets", grown)
	}
	runtime.KeepAlive(source)
}

func FuzzSpend(f *testing.F) {
	identity := nonce.Identity{}
	f.Add(nonce.New(identity).Issue())
	f.Add("AAAA")
	f.Add("=")
	f.Fuzz(func(t *testing.T, text string) {
		source := nonce.New(identity)
		first := source.Issue()
		err := source.Spend(text)
		if (err == nil) != (text == first) && !isIssued(identity, text) {
			t.Errorf("Spend(%q) = %v", text, err)
		}
		if err != nil && !fault.Is(err, fault.BadNonce) && !fault.Is(err, fault.Malformed) {
			t.Errorf("Spend(%q) = %v, a kind of its own", text, err)
		}
		if source.Spend(text) == nil {
			t.Errorf("Spend(%q) a second time succeeded", text)
		}
	})
}

// isIssued reports whether text is one of the first nonces of an identity.
func isIssued(i nonce.Identity, text string) bool {
	source := nonce.New(i)
	for range 100 {
		if source.Issue() == text {
			return true
		}
	}
	return false
}

func BenchmarkIssueSpend(b *testing.B) {
	source := nonce.New(nonce.NewIdentity(0))
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := source.Spend(source.Issue()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
