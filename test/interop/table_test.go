package interop

import (
	"regexp"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
)

// A client is somebody else's program, and what of it works with Everleaf.
type client struct {
	name   string            // as people know it, with the version that is tested
	needs  []string          // programs, or files by their path
	server bool              // it obtains certificates while it serves, and shows them in handshakes
	chain  string            // pattern of the file in which it leaves the certificate with its chain
	files  map[string]string // templates in testdata, and where a cell finds them expanded
	cells  map[operation]cell
}

// A cell is one operation with one client: the commands, or the reason why there are none.
//
// A command is what a person would type, with placeholders such as {DIRECTORY}. Line breaks in it are for the eye, an
// assignment at its beginning goes to the environment, and single quotes keep a word from the shell. What stands in
// [[ ]] is needed by the test only, its ports and folders above all: the documents leave it out.
type cell struct {
	blank    string   // why the client has no such operation
	given    []string // commands that have been run before
	run      []string // commands of the operation
	beside   string   // a command that runs meanwhile, and listens at {TLS_PORT}
	settings string   // what stands for {SETTINGS} in the client's files
	webroot  bool     // a web server of its own stands in front, and serves {WEB}

	// A serving client is told to reload when this file, given by a pattern, has what ready looks for.
	reload string
	ready  *regexp.Regexp
}

// operation names a row of the table.
type operation string

const (
	standalone operation = "http-01"
	webroot    operation = "webroot"
	dns01      operation = "dns-01"
	tlsALPN    operation = "tls-alpn-01"
	wildcard   operation = "wildcard"
	ipAddress  operation = "address"
	manyNames  operation = "many"
	rsa        operation = "rsa"
	ecdsa      operation = "ecdsa"
	eab        operation = "eab"
	renew      operation = "renew"
	advised    operation = "renewal-info"
	replaces   operation = "replaces"
	revoke     operation = "revoke"
	revokeKey  operation = "revoke-by-key"
	keyChange  operation = "key-change"
	deactivate operation = "deactivate"
)

// row says what an operation is, and what it leaves behind.
type row struct {
	operation operation
	title     string
	method    acme.Method   // by which the names were proved; "" is any
	place     func(*place)  // other names than {NAME} alone, another directory
	key       string        // kind of the certificate's key, as openssl names it; "" is any
	between   func(*result) // what the operator does before the operation, if the client is told to renew
	also      func(*result) // what else is looked at
}

func rows() []row {
	return []row{
		{operation: standalone, title: "Issue, http-01 answered by the client", method: acme.HTTP01},
		{operation: webroot, title: "Issue, http-01 answered by a web server", method: acme.HTTP01},
		{operation: dns01, title: "Issue, dns-01", method: acme.DNS01},
		{operation: tlsALPN, title: "Issue, tls-alpn-01", method: acme.TLSALPN01},
		{operation: wildcard, title: "A wildcard", method: acme.DNS01, place: (*place).wantWildcard},
		{operation: ipAddress, title: "An IP address", place: (*place).wantAddress},
		{operation: manyNames, title: "20 names in one certificate", place: (*place).wantMany},
		{operation: rsa, title: "An RSA key", key: "rsaEncryption"},
		{operation: ecdsa, title: "An ECDSA key", key: "id-ecPublicKey"},
		{operation: eab, title: "External account binding (EAB)", place: (*place).wantBinding, also: (*result).isBound},
		{operation: renew, title: "Renew", place: (*place).wantBrief, also: (*result).isRenewed},
		{operation: advised, title: "Renew when the server says (ARI)", place: (*place).wantBrief, between: (*result).callBack, also: (*result).hasAsked},
		{operation: replaces, title: "Say which certificate a renewal replaces", place: (*place).wantBrief, also: (*result).hasReplaced},
		{operation: revoke, title: "Revoke, signed by the account's key", between: (*result).isGood, also: (*result).isRevokedByAccount},
		{operation: revokeKey, title: "Revoke, signed by the certificate's key", between: (*result).isGood, also: (*result).isRevokedByKey},
		{operation: keyChange, title: "Change the account's key", also: (*result).hasOtherKey},
		{operation: deactivate, title: "Deactivate the account", also: (*result).isDeactivated},
	}
}

func clients() []client {
	return []client{certbot(), legoFour(), legoFive(), dehydrated(), uacme(), caddyOfDebian(), caddyTwo(), apache(), goAutocert()}
}
