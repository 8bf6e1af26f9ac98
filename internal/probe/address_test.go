package probe

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// Proves H-06, SC-02.
func TestCheckAddress(t *testing.T) {
	const no, yes = false, true
	tests := []struct {
		address                       string
		strict, withPrivate, withLoop bool
	}{
		{"8.8.8.8", yes, yes, yes},
		{"1.1.1.1", yes, yes, yes},
		{"2606:4700::1111", yes, yes, yes},
		{"::ffff:8.8.8.8", yes, yes, yes},
		{"64:ff9b::808:808", yes, yes, yes},
		{"2002:808:808::1", yes, yes, yes},

		{"10.0.0.1", no, yes, no},
		{"10.255.255.255", no, yes, no},
		{"11.0.0.0", yes, yes, yes},
		{"100.63.255.255", yes, yes, yes},
		{"100.64.0.1", no, yes, no},
		{"100.127.255.255", no, yes, no},
		{"100.128.0.0", yes, yes, yes},
		{"172.15.255.255", yes, yes, yes},
		{"172.16.0.1", no, yes, no},
		{"172.31.255.255", no, yes, no},
		{"172.32.0.0", yes, yes, yes},
		{"192.168.1.1", no, yes, no},
		{"::ffff:192.168.1.1", no, yes, no},
		{"fc00::1", no, yes, no},
		{"fd12:3456::1", no, yes, no},
		{"fdff:ffff::1", no, yes, no},

		{"127.0.0.1", no, no, yes},
		{"127.255.255.254", no, no, yes},
		{"::1", no, no, yes},
		{"::ffff:127.0.0.1", no, no, yes},

		{"0.0.0.0", no, no, no},
		{"0.1.2.3", no, no, no},
		{"169.254.169.254", no, no, no},
		{"::ffff:169.254.169.254", no, no, no},
		{"192.0.0.192", no, no, no},
		{"192.0.2.1", no, no, no},
		{"192.88.99.1", no, no, no},
		{"198.18.0.1", no, no, no},
		{"198.19.255.255", no, no, no},
		{"198.20.0.0", yes, yes, yes},
		{"198.51.100.1", no, no, no},
		{"203.0.113.1", no, no, no},
		{"224.0.0.1", no, no, no},
		{"239.255.255.255", no, no, no},
		{"240.0.0.1", no, no, no},
		{"255.255.255.255", no, no, no},
		{"100.100.100.200", no, no, no},
		{"168.63.129.16", no, no, no},

		{"::", no, no, no},
		{"::127.0.0.1", no, no, no},
		{"::ffff:0:7f00:1", no, no, no},
		{"64:ff9b::7f00:1", no, no, no},
		{"64:ff9b::a00:1", no, no, no},
		{"64:ff9b::a9fe:a9fe", no, no, no},
		{"64:ff9b:1::808:808", no, no, no},
		{"100::1", no, no, no},
		{"2001::1", no, no, no},
		{"2001:2::1", no, no, no},
		{"2001:1ff::1", no, no, no},
		{"2001:200::1", yes, yes, yes},
		{"2001:db8::1", no, no, no},
		{"2002:7f00:1::1", no, no, no},
		{"2002:a00:1::1", no, no, no},
		{"3fff::1", no, no, no},
		{"4000::1", no, no, no},
		{"5f00::1", no, no, no},
		{"fe80::1", no, no, no},
		{"fe80::1%eth0", no, no, no},
		{"::1%lo", no, no, yes},
		{"febf::1", no, no, no},
		{"fec0::1", no, no, no},
		{"ff02::1", no, no, no},
		{"fd00:ec2::254", no, no, no},
		{"fd00:ec2::23", no, no, no},
		{"fd00:42::42", no, no, no},
		{"fd00:42::43", no, yes, no},
		{"fd00:100::100:200", no, no, no},
		{"fd00:a9fe:a9fe::1", no, no, no},
		{"fd00:c1::a9fe:a9fe", no, no, no},
		{"fe80::a9fe:a9fe", no, no, no},
		{"169.254.170.2", no, no, no},
		{"169.254.42.42", no, no, no},
		{"fd20:ce::254", no, no, no},
	}
	for _, test := range tests {
		for _, run := range []struct {
			name   string
			policy policy.Addresses
			want   bool
		}{
			{"strict", policy.Addresses{}, test.strict},
			{"private", policy.Addresses{Private: true}, test.withPrivate},
			{"loopback", policy.Addresses{Loopback: true}, test.withLoop},
		} {
			err := CheckAddress(run.policy, netip.MustParseAddr(test.address))
			if got := err == nil; got != run.want {
				t.Errorf("%s under the %s policy: %v, want allowed %t", test.address, run.name, err, run.want)
			}
			if err != nil && (!fault.Is(err, fault.Connection) || Retryable(err)) {
				t.Errorf("%s: %v is not a final error of kind connection", test.address, err)
			}
		}
	}
}

func TestCheckNoAddress(t *testing.T) {
	err := CheckAddress(policy.Addresses{Private: true, Loopback: true, Allow: []netip.Prefix{netip.MustParsePrefix("::/0")}}, netip.Addr{})
	if want := "The target has no valid address."; fault.Sentence(err) != want {
		t.Errorf("%v, want %q", err, want)
	}
}

// TestCarriedAddresses has the same verdict for an IPv4 address in IPv4-mapped form. In the translated ones whoever
// runs the gateway decides where it leads, so that nothing but a public address is reached there, whatever is opened.
// Proves H-06, INC-89.
func TestCarriedAddresses(t *testing.T) {
	open := policy.Addresses{Private: true, Loopback: true}
	for _, text := range []string{
		"0.0.0.0", "0.1.2.3", "8.8.8.8", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "168.63.129.16",
		"169.254.169.254", "172.16.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1",
		"198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
	} {
		plain := netip.MustParseAddr(text)
		four := plain.As4()
		mapped := netip.AddrFrom16(plain.As16())
		for _, p := range []policy.Addresses{{}, open} {
			if (CheckAddress(p, mapped) == nil) != (CheckAddress(p, plain) == nil) {
				t.Errorf("%s and %s differ", plain, mapped)
			}
		}
		translation := [16]byte{0, 0x64, 0xff, 0x9b, 12: four[0], 13: four[1], 14: four[2], 15: four[3]}
		sixToFour := [16]byte{0x20, 0x02, four[0], four[1], four[2], four[3], 15: 1}
		for _, carried := range []netip.Addr{netip.AddrFrom16(translation), netip.AddrFrom16(sixToFour)} {
			if allowed := CheckAddress(open, carried) == nil; allowed != (text == "8.8.8.8") {
				t.Errorf("%s, which carries %s: allowed %t", carried, text, allowed)
			}
		}
	}
}

func TestCheckAddressPrefixes(t *testing.T) {
	prefixes := func(texts ...string) []netip.Prefix {
		var list []netip.Prefix
		for _, text := range texts {
			list = append(list, netip.MustParsePrefix(text))
		}
		return list
	}
	tests := []struct {
		name    string
		policy  policy.Addresses
		address string
		want    bool
	}{
		{"named special", policy.Addresses{Allow: prefixes("169.254.7.0/24")}, "169.254.7.9", true},
		{"beside named", policy.Addresses{Allow: prefixes("169.254.7.0/24")}, "169.254.8.9", false},
		{"named, mapped address", policy.Addresses{Allow: prefixes("127.0.0.1/32")}, "::ffff:127.0.0.1", true},
		{"named by mapped prefix", policy.Addresses{Allow: prefixes("::ffff:127.0.0.0/104")}, "127.1.2.3", true},
		{"named IPv4 is not its NAT64 form", policy.Addresses{Allow: prefixes("10.0.0.0/8")}, "64:ff9b::a00:1", false},
		{"named NAT64", policy.Addresses{Allow: prefixes("64:ff9b::/96")}, "64:ff9b::a00:1", true},
		{"denied public", policy.Addresses{Deny: prefixes("8.8.8.0/24")}, "8.8.8.8", false},
		{"denied, mapped address", policy.Addresses{Deny: prefixes("8.8.8.0/24")}, "::ffff:8.8.8.8", false},
		{"denied, NAT64 form", policy.Addresses{Deny: prefixes("8.8.8.0/24")}, "64:ff9b::808:808", false},
		{"denied, 6to4 form", policy.Addresses{Deny: prefixes("8.8.8.0/24")}, "2002:808:808::1", false},
		{"denied by mapped prefix", policy.Addresses{Deny: prefixes("::ffff:8.8.8.0/120")}, "8.8.8.8", false},
		{"deny beats allow", policy.Addresses{Allow: prefixes("10.0.0.0/8"), Deny: prefixes("10.1.0.0/16")}, "10.1.2.3", false},
		{"deny beats private", policy.Addresses{Private: true, Deny: prefixes("10.1.0.0/16")}, "10.1.2.3", false},
		{"all IPv4 denied leaves IPv6", policy.Addresses{Deny: prefixes("0.0.0.0/0")}, "2606:4700::1111", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := CheckAddress(test.policy, netip.MustParseAddr(test.address))
			if got := err == nil; got != test.want {
				t.Errorf("CheckAddress(%s) = %v, want allowed %t", test.address, err, test.want)
			}
		})
	}
	if err := CheckAddress(policy.Addresses{Loopback: true, Private: true}, netip.Addr{}); err == nil {
		t.Error("the zero address is allowed")
	}
}

func TestCheckAddressText(t *testing.T) {
	err := CheckAddress(policy.Addresses{}, netip.MustParseAddr("10.20.30.40"))
	const want = "The target's address is private, which the address policy of this CA does not allow."
	if sentence(err) != want || strings.Contains(err.Error(), "10.20") {
		t.Errorf("error %v, want %q", err, want)
	}
}
