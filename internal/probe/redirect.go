package probe

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
)

// maxLocation is the length of a Location header that is followed.
const maxLocation = 2000

// location is a place that we agree to ask.
type location struct {
	url  *url.URL // scheme http or https; host, port, path and query, nothing else
	host ident.Identifier
	port uint16 // to connect to
}

// key is the same for two locations exactly when the same would be asked.
func (l location) key() string {
	return strconv.Itoa(int(l.port)) + " " + l.url.String()
}

// challengeLocation is where RFC 8555 section 8.3 wants the key authorization. Its URL names no port, so neither does
// the Host header, whichever port stands for 80: responders that compare the header with the domain do so without a
// port (autocert's host policy is one), and none is known that would want one.
func (p *Prober) challengeLocation(id ident.Identifier, token string) location {
	return location{
		url:  &url.URL{Scheme: "http", Host: authority(id, ""), Path: tokenPath(token)},
		host: id,
		port: p.httpPort,
	}
}

// tokenPath is where the key authorization of a token is (RFC 8555 section 8.3).
func tokenPath(token string) string { return "/.well-known/acme-challenge/" + token }

// redirect decides where the Location headers of a reply lead. Only http and https, and only to the ports 80 and 443
// or those that stand for them; only to names, or to the very address of an IP identifier (RFC 8738).
func (p *Prober) redirect(from location, headers []string, id ident.Identifier) (location, error) {
	if len(headers) != 1 {
		return location{}, refuseRedirect(from, "it has %d Location headers", len(headers))
	}
	text := headers[0]
	if len(text) > maxLocation || text == "" || strings.IndexFunc(text, unprintable) >= 0 {
		return location{}, refuseRedirect(from, "its Location header is not a URL of at most %d ASCII characters", maxLocation)
	}
	to, err := from.url.Parse(text)
	if err != nil {
		return location{}, refuseRedirect(from, "its Location header is not a URL")
	}
	if to.Scheme != "http" && to.Scheme != "https" {
		return location{}, refuseRedirect(from, "it leads to another scheme than http and https")
	}
	if to.User != nil || to.Opaque != "" {
		return location{}, refuseRedirect(from, "it leads to a URL with user information or without a host")
	}
	host, ok := redirectHost(to, id)
	if !ok {
		return location{}, refuseRedirect(from, "it leads to a host that is not a valid DNS name")
	}
	port, ok := p.redirectPort(to)
	if !ok {
		return location{}, refuseRedirect(from, "it leads to another port than 80 and 443")
	}
	return location{
		url:  &url.URL{Scheme: to.Scheme, Host: authority(host, explicitPort(to)), Path: to.Path, RawPath: to.RawPath, RawQuery: to.RawQuery},
		host: host,
		port: port,
	}, nil
}

func refuseRedirect(from location, reason string, args ...any) error {
	args = append([]any{shown(from.url.String())}, args...)
	return final(fault.IncorrectResponse, "The redirect at %s is not followed: "+reason+".", args...)
}

func unprintable(r rune) bool { return r <= ' ' || r > '~' }

// redirectHost allows DNS names. An address is allowed when it is what is being validated.
func redirectHost(to *url.URL, id ident.Identifier) (ident.Identifier, bool) {
	name := to.Hostname()
	if _, err := netip.ParseAddr(name); err == nil {
		host, err := ident.ParseIP(name)
		return host, err == nil && host == id
	}
	host, err := ident.ParseDNS(name)
	return host, err == nil && !host.IsWildcard()
}

// redirectPort returns the port to connect to. A URL without a port means the ports that stand for 80 and 443.
func (p *Prober) redirectPort(to *url.URL) (uint16, bool) {
	text := to.Port()
	switch {
	case strings.HasSuffix(to.Host, ":"):
		return 0, false
	case text == "" && to.Scheme == "https":
		return p.tlsPort, true
	case text == "":
		return p.httpPort, true
	}
	port, err := strconv.ParseUint(text, 10, 16)
	return uint16(port), err == nil && text[0] != '0' && slices.Contains([]uint16{80, 443, p.httpPort, p.tlsPort}, uint16(port))
}

// explicitPort returns the port that stands in the URL; "" when it is the scheme's own, which a Host header leaves out.
func explicitPort(to *url.URL) string {
	port := to.Port()
	if to.Scheme == "http" && port == "80" || to.Scheme == "https" && port == "443" {
		return ""
	}
	return port
}

// authority is host and port as they stand in URLs and Host headers.
func authority(host ident.Identifier, port string) string {
	text := host.Value()
	if host.Addr().Is6() {
		text = "[" + text + "]"
	}
	if port != "" {
		text += ":" + port
	}
	return text
}
