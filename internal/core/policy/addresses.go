package policy

import (
	"net/netip"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
)

// Addresses says which addresses a validator may connect to. The zero value allows public addresses only.
// Link-local, cloud metadata, multicast and other special ranges are reached only when Allow names them;
// Deny wins over everything.
type Addresses struct {
	Loopback bool           `json:"loopback"` // 127.0.0.0/8, ::1
	Private  bool           `json:"private"`  // RFC 1918, RFC 4193, RFC 6598
	Allow    []netip.Prefix `json:"allow,omitempty"`
	Deny     []netip.Prefix `json:"deny,omitempty"`
}

// Look is one request to a validator: prove that whoever controls Identifier serves KeyAuthorization.
// Identifier is without "*.".
type Look struct {
	Identifier       ident.Identifier
	Method           acme.Method
	Token            string
	KeyAuthorization string
	Addresses        Addresses
}
