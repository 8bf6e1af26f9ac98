package acme

import (
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/web"
)

// base returns what all URLs of this exchange begin with. Without an external URL it is the Host of the request, if
// that is a name of this server: so a port forward works, and nobody can make the server write foreign URLs.
func (d *door) base(r *http.Request) (string, error) {
	if d.external != "" {
		return d.external, nil
	}
	if host := hostOf(r.Host); host == "" || !d.ownName(host) {
		return "", web.Refuse(http.StatusMisdirectedRequest,
			"This server does not answer under that host; use a name of its certificate, or tell the operator to set the external URL.")
	}
	return "https://" + r.Host, nil
}

// hostOf returns the canonical name or address of a Host header; "" when it is not well-formed.
func hostOf(header string) string {
	host, port, err := net.SplitHostPort(header)
	if err != nil {
		host, port = header, "443"
		if inner, ok := strings.CutPrefix(header, "["); ok {
			host = strings.TrimSuffix(inner, "]")
		}
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return ""
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.String()
	}
	return strings.ToLower(host)
}

// AccountURL returns the URL of an account as a door with that external URL publishes it, and as the account must write
// it in "kid" (RFC 8555 section 6.2). Without an external URL there is none to publish, and it returns "": the URL then
// follows the way by which a client came.
func AccountURL(external string, c policy.Connector, account string) string {
	if external == "" {
		return ""
	}
	return urls{base: trimmed(external), connector: c.Name}.account(account)
}

// trimmed returns an external URL as URLs begin with it.
func trimmed(external string) string { return strings.TrimSuffix(external, "/") }

// urls makes the URLs of one connector under one base.
type urls struct{ base, connector string }

func (u urls) resource(parts ...string) string {
	return u.base + Root + u.connector + "/" + strings.Join(parts, "/")
}

func (u urls) directory() string              { return u.resource("directory") }
func (u urls) account(id string) string       { return u.resource("account", id) }
func (u urls) orders(account string) string   { return u.resource("account", account, "orders") }
func (u urls) order(id string) string         { return u.resource("order", id) }
func (u urls) finalize(order string) string   { return u.resource("order", order, "finalize") }
func (u urls) authorization(id string) string { return u.resource("authz", id) }

func (u urls) challenge(authorization string, m acme.Method) string {
	return u.resource("challenge", authorization, string(m))
}

// certificate returns the URL of a certificate with one of its chains, counted from 0, the default.
func (u urls) certificate(id string, chain int) string {
	if chain == 0 {
		return u.resource("certificate", id)
	}
	return u.resource("certificate", id, strconv.Itoa(chain))
}

// issuer returns the URL of a single certificate of a chain, counted from 1, the leaf's issuer.
func (u urls) issuer(id string, chain, level int) string {
	return u.resource("certificate", id, strconv.Itoa(chain), "issuer", strconv.Itoa(level))
}

// accountID returns what stands in a "kid" where our URLs have the id of the account. Any other spelling of the URL
// has none.
func (u urls) accountID(kid string) (string, bool) { return strings.CutPrefix(kid, u.account("")) }

// link writes a link of RFC 8288.
func link(url, relation string) string { return "<" + url + `>;rel="` + relation + `"` }
