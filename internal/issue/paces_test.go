package issue

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/limit"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/core/span"
)

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func pacing(count int) policy.Connector {
	return policy.Connector{ID: "c", Rules: policy.Rules{Limits: limit.Limits{
		Rates: map[limit.Kind]limit.Rate{limit.RenewalsPerAddress: {Count: count, Period: span.Span(time.Minute)}},
	}}}
}

// Proves AR-06: questions for renewal information are counted by address, without a write.
func TestPaces(t *testing.T) {
	var p paces
	c := pacing(2)
	take := func(c policy.Connector, from string, at time.Time) error {
		var address netip.Addr
		if from != "" {
			address = netip.MustParseAddr(from)
		}
		return p.take(c, address, at)
	}
	for _, tt := range []struct {
		from    string
		after   time.Duration
		refused bool
	}{
		{"192.0.2.1", 0, false},
		{"192.0.2.1", 0, false},
		{"192.0.2.1", 0, true},
		{"192.0.2.2", 0, false},
		{"2001:db8::1", 0, false},
		{"2001:db8::2", 0, false},
		{"2001:db8::3", 0, true},
		{"192.0.2.1", 29 * time.Second, true},
		{"192.0.2.1", 30 * time.Second, false},
		{"", 0, false},
		{"", 0, false},
		{"", 0, false},
	} {
		if err := take(c, tt.from, noon.Add(tt.after)); fault.Is(err, fault.RateLimited) != tt.refused {
			t.Errorf("%q after %s: %v", tt.from, tt.after, err)
		}
	}
	other := c
	other.ID = "other"
	if err := take(other, "192.0.2.1", noon); err != nil {
		t.Errorf("another connector: %v", err)
	}
	if err := take(pacing(0), "2001:db8::3", noon); err != nil {
		t.Errorf("no limit: %v", err)
	}
}

// Proves AR-06: strangers with many addresses fill no memory, and who is remembered is forgotten in time.
func TestPacesAreBounded(t *testing.T) {
	var p paces
	c := pacing(1)
	at := func(n uint32) netip.Addr {
		var four [4]byte
		binary.BigEndian.PutUint32(four[:], n+1<<24)
		return netip.AddrFrom4(four)
	}
	for n := range uint32(maxPaces + 10) {
		if err := p.take(c, at(n), noon); err != nil {
			t.Fatal(err)
		}
	}
	if len(p.levels) != maxPaces {
		t.Errorf("%d addresses are remembered", len(p.levels))
	}
	if err := p.take(c, at(0), noon); !fault.Is(err, fault.RateLimited) {
		t.Errorf("who is remembered: %v", err)
	}
	if err := p.take(c, at(maxPaces+5), noon.Add(time.Minute)); err != nil || len(p.levels) != 1 {
		t.Errorf("a minute later: %d addresses, %v", len(p.levels), err)
	}
}
