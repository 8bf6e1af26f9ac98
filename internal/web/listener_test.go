package web

import (
	"net/netip"
	"testing"
)

func TestSourceOf(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.1":             "192.0.2.1/32",
		"2001:db8:0:1:2:3:4:5":  "2001:db8:0:1::/64",
		"fe80::1%eth0":          "fe80::/64",
		"2001:db8:0:1:ffff::99": "2001:db8:0:1::/64",
	} {
		if got := sourceOf(netip.MustParseAddr(address)); got.String() != want {
			t.Errorf("sourceOf(%s) = %s, want %s", address, got, want)
		}
	}
}
