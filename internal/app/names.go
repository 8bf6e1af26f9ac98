package app

import (
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"github.com/everleaf-pki/everleaf/internal/config"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
)

// serverNames returns the names under which clients reach the HTTPS listener: localhost, this host's name, the address
// it listens on (all of this host's where it listens on all), and the host of the external URL.
func serverNames(c config.Config) []ident.Identifier {
	var names []ident.Identifier
	add := func(text string) {
		if addr, err := netip.ParseAddr(text); err == nil {
			names = append(names, ident.FromAddr(addr))
		} else if id, err := ident.ParseDNS(text); err == nil && !id.IsWildcard() {
			names = append(names, id)
		}
	}
	for _, local := range []string{"localhost", "127.0.0.1", "::1"} {
		add(local)
	}
	if host, err := os.Hostname(); err == nil {
		add(host)
	}
	if external, err := url.Parse(c.ExternalURL); err == nil {
		add(external.Hostname())
	}
	host, _, _ := net.SplitHostPort(c.Listen)
	if addr, err := netip.ParseAddr(host); host == "" || err == nil && addr.IsUnspecified() {
		for _, own := range hostAddresses() {
			add(own)
		}
	} else {
		add(host)
	}
	return ident.Set(names)
}

// hostAddresses returns the addresses of this host's interfaces that other hosts may use.
func hostAddresses() []string {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var out []string
	for _, a := range addresses {
		text, _, _ := strings.Cut(a.String(), "/")
		if addr, err := netip.ParseAddr(text); err == nil && addr.IsGlobalUnicast() {
			out = append(out, text)
		}
	}
	return out
}
