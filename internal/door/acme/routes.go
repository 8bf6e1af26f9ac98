package acme

import (
	"context"
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

// content says what a POST carries (RFC 8555 section 6.3).
type content int

const (
	reading content = iota // POST-as-GET: the empty payload
	writing                // a JSON object
	either
)

// route is a resource below /acme/{connector}/.
type route struct {
	name    string // in the log and in metrics
	pattern string // "{}" stands for one part of the path
	plain   bool   // GET and HEAD are allowed, and need no signature
	signer  signer
	content content
	handle  func(*door, context.Context, *request) (web.Reply, error)
}

// routes returns every resource of the door.
func routes() []route {
	return []route{
		{"directory", "directory", true, byAccount, reading, (*door).directory},
		{"new-nonce", "new-nonce", true, byAccount, reading, (*door).newNonce},
		{"new-account", "new-account", false, byKey, writing, (*door).newAccount},
		{"new-order", "new-order", false, byAccount, writing, (*door).newOrder},
		{"new-authz", "new-authz", false, byAccount, writing, (*door).newAuthorization},
		{"revoke-cert", "revoke-cert", false, byEither, writing, (*door).revoke},
		{"key-change", "key-change", false, byAccount, writing, (*door).keyChange},
		{"account", "account/{}", false, byAccount, either, (*door).account},
		{"orders", "account/{}/orders", false, byAccount, reading, (*door).orders},
		{"order", "order/{}", false, byAccount, reading, (*door).order},
		{"finalize", "order/{}/finalize", false, byAccount, writing, (*door).finalize},
		{"authz", "authz/{}", false, byAccount, either, (*door).authorization},
		{"challenge", "challenge/{}/{}", false, byAccount, either, (*door).challenge},
		{"certificate", "certificate/{}", false, byAccount, reading, (*door).certificate},
		{"certificate-alternate", "certificate/{}/{}", false, byAccount, reading, (*door).certificate},
		{"certificate-issuer", "certificate/{}/{}/issuer/{}", false, byAccount, reading, (*door).issuer},
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
