package acme

import (
	"context"
	"net/http"
	"strings"

	"github.com/everleaf-pki/everleaf/internal/web"
)

// signer says whose signature a POST needs (RFC 8555 section 6.2).
type signer int

const (
	byAccount signer = iota // "kid"
	byKey                   // "jwk"
	byEither
)

// access says how a resource is reached (RFC 8555 section 6.3).
type access int

const (
	opened access = iota // GET, HEAD and POST-as-GET
	read                 // POST-as-GET
	posted               // POST; whether an empty payload means something is for the handler to say
	public               // GET and HEAD, by anyone; no POST
)

// methods returns the methods of HTTP that a resource knows.
func (a access) methods() []string {
	switch a {
	case opened:
		return []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodOptions}
	case public:
		return []string{http.MethodGet, http.MethodHead, http.MethodOptions}
	default:
		return []string{http.MethodPost, http.MethodOptions}
	}
}

// route is a resource below /acme/{connector}/.
type route struct {
	name    string // in the log and in metrics
	pattern string // "{}" stands for one part of the path
	access  access
	signer  signer
	handle  func(*door, context.Context, *request) (web.Reply, error)
}

// routes returns every resource of the door.
func routes() []route {
	return []route{
		{"directory", "directory", opened, byAccount, (*door).directory},
		{"new-nonce", "new-nonce", opened, byAccount, (*door).newNonce},
		{"new-account", "new-account", posted, byKey, (*door).newAccount},
		{"new-order", "new-order", posted, byAccount, (*door).newOrder},
		{"new-authz", "new-authz", posted, byAccount, (*door).newAuthorization},
		{"revoke-cert", "revoke-cert", posted, byEither, (*door).revoke},
		{"key-change", "key-change", posted, byAccount, (*door).keyChange},
		{"account", "account/{}", posted, byAccount, (*door).account},
		{"orders", "account/{}/orders", read, byAccount, (*door).orders},
		{"order", "order/{}", read, byAccount, (*door).order},
		{"finalize", "order/{}/finalize", posted, byAccount, (*door).finalize},
		{"authz", "authz/{}", posted, byAccount, (*door).authorization},
		{"challenge", "challenge/{}/{}", posted, byAccount, (*door).challenge},
		{"certificate", "certificate/{}", read, byAccount, (*door).certificate},
		{"certificate-alternate", "certificate/{}/{}", read, byAccount, (*door).certificate},
		{"renewal-info", "renewal-info/{}", public, byAccount, (*door).renewalInfo},
		{"certificate-issuer", "certificate/{}/{}/issuer/{}", read, byAccount, (*door).issuer},
	}
}

// find returns the route of a path and what stands at its variable parts. Paths are compared as they were sent,
// without decoding: a resource has one URL.
func find(routes []route, path string) (route, []string, bool) {
	parts := strings.Split(path, "/")
	for _, r := range routes {
		if vars, ok := match(strings.Split(r.pattern, "/"), parts); ok {
			return r, vars, true
		}
	}
	return route{}, nil, false
}

func match(pattern, parts []string) (vars []string, ok bool) {
	if len(pattern) != len(parts) {
		return nil, false
	}
	for i, p := range pattern {
		switch {
		case p == "{}" && parts[i] != "":
			vars = append(vars, parts[i])
		case p != parts[i]:
			return nil, false
		}
	}
	return vars, true
}
