// Package config holds the settings of the process: what a machine decides, such as ports and folders. What an operator
// declares (issuers, profiles, connectors, credentials) lives in the database.
//
// One table ([Settings]) defines every setting once: its name is the flag and the key in the file, its
// environment variable follows from it. Flags win over the environment, the environment over the file, the file over the defaults.
package config

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/span"
)

// Config is the settings of a server, checked.
type Config struct {
	Data           string         // folder of the database and the keys
	Listen         string         // HOST:PORT of the HTTPS listener
	ExternalURL    string         // base of all ACME URLs, without a final slash; "": they follow the request's Host
	PublicListen   string         // HOST:PORT of the plain HTTP listener; "": the port after Listen's
	PublicURL      string         // base of CRL and issuer URLs in certificates; "": the one kept in the database, or PublicListen
	MetricsListen  string         // HOST:PORT of the metrics listener; "": the second port after Listen's, on loopback; "off"
	TrustedProxies []netip.Prefix // whose X-Forwarded-For is believed
	Resolvers      []string       // HOST:PORT of DNS servers for validation; empty: those of /etc/resolv.conf
	SignedZone     string         // DNS servers count only if they return its SOA record authenticated; "": all count
	HTTP01Port     uint16         // where http-01 looks
	TLSALPN01Port  uint16         // where tls-alpn-01 looks
	PassphraseFile string         // holds the passphrase of the key files
	LogLevel       slog.Level     // least level that is logged
	LogFormat      string         // "text", "json" or "auto": text on a terminal
	MaxPerAddress  int            // connections at once from one address
	Drain          time.Duration  // how long a stop waits for open requests
}

// Setting defines one setting.
type Setting struct {
	Name    string // of the flag and of the key in the file
	Usage   string // one sentence: what, unit
	Default string // "" where the sentence says what happens without
	List    bool   // takes several values
	Live    bool   // taken over by a reload; others need a restart

	parse func(c *Config, values []string) error
}

// Env is the setting's environment variable; lists are separated by commas there.
func (s Setting) Env() string {
	return prefix + strings.ToUpper(strings.ReplaceAll(s.Name, "-", "_"))
}

// Settings returns the table of all settings.
func Settings() []Setting {
	return []Setting{
		{Name: "data", Usage: "`folder` of the database and the keys", parse: text(func(c *Config) *string { return &c.Data })},
		{Name: "listen", Default: "127.0.0.1:8443", Usage: "`address` of the HTTPS listener", parse: address(func(c *Config) *string { return &c.Listen })},
		{Name: "external-url", Usage: "base `URL` that clients use, behind a reverse proxy; without it URLs follow the request", parse: baseURL("https", func(c *Config) *string { return &c.ExternalURL })},
		{Name: "public-listen", Usage: "`address` of the plain HTTP listener for CRLs and issuers (default: the port after --listen)", parse: address(func(c *Config) *string { return &c.PublicListen })},
		{Name: "public-url", Usage: "base `URL` of CRLs and issuers as it stands in certificates (default: kept in the database)", parse: baseURL("http", func(c *Config) *string { return &c.PublicURL })},
		{Name: "metrics-listen", Usage: "`address` of the metrics listener, or off (default: loopback, the second port after --listen)", parse: addressOrOff(func(c *Config) *string { return &c.MetricsListen })},
		{Name: "trusted-proxy", List: true, Usage: "`network` of proxies whose X-Forwarded-For is believed", parse: prefixes},
		{Name: "dns-resolver", List: true, Usage: "`address` of a DNS server for validation (default: the system's)", parse: resolvers},
		{Name: "dns-require-validation", Usage: "`name` of a signed zone, or . for the root: only DNS servers count that show by it that they validate DNSSEC", parse: signedZone},
		{Name: "http01-port", Default: "80", Usage: "`port` where http-01 validation looks", parse: port(func(c *Config) *uint16 { return &c.HTTP01Port })},
		{Name: "tlsalpn01-port", Default: "443", Usage: "`port` where tls-alpn-01 validation looks", parse: port(func(c *Config) *uint16 { return &c.TLSALPN01Port })},
		{Name: "passphrase-file", Usage: "`file` with the passphrase of the key files; outside the data folder", parse: text(func(c *Config) *string { return &c.PassphraseFile })},
		{Name: "log-level", Default: "info", Live: true, Usage: "least `level` that is logged: debug, info, warn or error", parse: level},
		{Name: "log-format", Default: "auto", Usage: "`form` of the log: text, json, or auto (text on a terminal)", parse: oneOf(func(c *Config) *string { return &c.LogFormat }, "auto", "text", "json")},
		{Name: "max-connections-per-address", Default: "256", Usage: "`number` of connections at once from one address", parse: number(func(c *Config) *int { return &c.MaxPerAddress }, 1, 1_000_000)},
		{Name: "drain", Default: "30s", Usage: "`time` that a stop waits for open requests", parse: duration(func(c *Config) *time.Duration { return &c.Drain })},
	}
}

// Loopback reports whether the HTTPS listener can be reached from this machine only.
func (c Config) Loopback() bool {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// Trial reports whether everything is on one machine, so that loopback targets may be validated: listening on
// loopback, no external URL, no trusted proxy.
func (c Config) Trial() bool {
	return c.Loopback() && c.ExternalURL == "" && len(c.TrustedProxies) == 0
}

// field returns where a setting of type T is kept.
type field[T any] func(*Config) *T

func text(to field[string]) func(*Config, []string) error {
	return func(c *Config, values []string) error {
		*to(c) = values[0]
		return nil
	}
}

func oneOf(to field[string], allowed ...string) func(*Config, []string) error {
	return func(c *Config, values []string) error {
		for _, a := range allowed {
			if values[0] == a {
				*to(c) = a
				return nil
			}
		}
		return fmt.Errorf("%q is none of %s", values[0], strings.Join(allowed, ", "))
	}
}

func address(to field[string]) func(*Config, []string) error {
	return func(c *Config, values []string) error {
		_, p, err := net.SplitHostPort(values[0])
		if err != nil || !isPort(p) {
			return fmt.Errorf("%q is not an address; write HOST:PORT, :PORT or [IPv6]:PORT", values[0])
		}
		*to(c) = values[0]
		return nil
	}
}

func addressOrOff(to field[string]) func(*Config, []string) error {
	parse := address(to)
	return func(c *Config, values []string) error {
		if values[0] == "off" {
			*to(c) = "off"
			return nil
		}
		if parse(c, values) != nil {
			return fmt.Errorf("%q is neither an address, written HOST:PORT, :PORT or [IPv6]:PORT, nor off", values[0])
		}
		return nil
	}
}

func isPort(p string) bool {
	_, err := strconv.ParseUint(p, 10, 16)
	return err == nil
}

func baseURL(scheme string, to field[string]) func(*Config, []string) error {
	return func(c *Config, values []string) error {
		u, err := url.Parse(values[0])
		if err != nil || u.Scheme != scheme || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
			return fmt.Errorf("%q is not a base URL; write %s://HOST or %s://HOST:PORT", values[0], scheme, scheme)
		}
		*to(c) = scheme + "://" + strings.ToLower(u.Host)
		return nil
	}
}

func prefixes(c *Config, values []string) error {
	c.TrustedProxies = nil
	for _, v := range values {
		prefix, err := netip.ParsePrefix(v)
		if addr, alone := netip.ParseAddr(v); alone == nil {
			prefix, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil {
			return fmt.Errorf("%q is not a network; write it like 10.0.0.0/8 or 10.1.2.3", v)
		}
		c.TrustedProxies = append(c.TrustedProxies, prefix)
	}
	return nil
}

func resolvers(c *Config, values []string) error {
	c.Resolvers = nil
	for _, v := range values {
		if _, err := netip.ParseAddr(v); err == nil {
			v = net.JoinHostPort(v, "53")
		}
		if _, err := netip.ParseAddrPort(v); err != nil {
			return fmt.Errorf("%q is not the address of a DNS server; write ADDRESS or ADDRESS:PORT", v)
		}
		c.Resolvers = append(c.Resolvers, v)
	}
	return nil
}

// signedZone takes the root, or what can be a name in DNS.
func signedZone(c *Config, values []string) error {
	if _, err := ident.ParseDNS("name." + values[0]); err != nil && values[0] != "." {
		return fmt.Errorf("%q is not the name of a zone; write . for the root, or a name like example.com", values[0])
	}
	c.SignedZone = values[0]
	return nil
}

func number(to field[int], least, most int) func(*Config, []string) error {
	return func(c *Config, values []string) error {
		n, err := strconv.Atoi(values[0])
		if err != nil || n < least || n > most {
			return fmt.Errorf("%q is not a number from %d to %d", values[0], least, most)
		}
		*to(c) = n
		return nil
	}
}

func port(to field[uint16]) func(*Config, []string) error {
	return func(c *Config, values []string) error {
		n, err := strconv.ParseUint(values[0], 10, 16)
		if err != nil || n == 0 {
			return fmt.Errorf("%q is not a port; write a number from 1 to 65535", values[0])
		}
		*to(c) = uint16(n)
		return nil
	}
}

func level(c *Config, values []string) error {
	if err := c.LogLevel.UnmarshalText([]byte(values[0])); err != nil {
		return fmt.Errorf("%q is none of debug, info, warn, error", values[0])
	}
	return nil
}

func duration(to field[time.Duration]) func(*Config, []string) error {
	return func(c *Config, values []string) error {
		parsed, err := span.Parse(values[0])
		*to(c) = parsed.Duration()
		return err
	}
}
