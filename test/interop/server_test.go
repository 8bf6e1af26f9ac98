package interop

import "regexp"

// What no server does: its certificate and its account are its own business.
const (
	byTheServer  = "the server answers itself"
	noRevocation = "it has no command to revoke"
	noAccount    = "it has no command for its account"
	noDNSModule  = "it has no dns-01 without further modules"
)

// caddyProgram is where "make tools" builds the Caddy of today.
const caddyProgram = "../../.cache/bin/caddy-v2"

func caddyOfDebian() client {
	c := caddy("Caddy 2.6", "caddy", "caddy")
	c.cells[advised] = cell{blank: "Caddy 2.6 knows no renewal information"}
	c.cells[replaces] = cell{blank: "Caddy 2.6 knows no renewal information"}
	return c
}

func caddyTwo() client { return caddy("Caddy 2.11", caddyProgram, "{CADDY}") }

func caddy(name, needs, program string) client {
	run := program + ` run --config {ETC}/caddy/Caddyfile`
	with := func(lines string) cell { return cell{settings: lines, run: []string{run}} }
	return client{
		name:   name,
		needs:  []string{needs},
		server: true,
		chain:  "{DIR}/seen.pem",
		files:  map[string]string{"caddy/Caddyfile": "{ETC}/caddy/Caddyfile"},
		cells: map[operation]cell{
			standalone: with("cert_issuer acme {\n\t\tdisable_tlsalpn_challenge\n\t}"),
			webroot:    {blank: byTheServer},
			dns01:      {blank: noDNSModule},
			tlsALPN:    with("cert_issuer acme {\n\t\tdisable_http_challenge\n\t}"),
			wildcard:   {blank: noDNSModule},
			ipAddress:  {blank: "Caddy gives an address a certificate of its own internal CA"},
			manyNames:  {blank: "Caddy obtains a certificate for each name"},
			rsa:        with("key_type rsa2048"),
			ecdsa:      with("key_type p384"),
			eab:        with("acme_eab {\n\t\tkey_id {KID}\n\t\tmac_key {HMAC}\n\t}"),
			renew:      with("[[renew_interval 1s]]"),
			advised:    with("[[renew_interval 1s]]"),
			replaces:   {blank: "Caddy 2.11 asks when to renew, and does not say what a renewal replaces"},
			revoke:     {blank: noRevocation},
			revokeKey:  {blank: noRevocation},
			keyChange:  {blank: noAccount},
			deactivate: {blank: noAccount},
		},
	}
}

func apache() client {
	const run = `[[MANAGE={MANAGE}]] apache2 -DFOREGROUND [[-f {ETC}/apache2/conf-enabled/everleaf.conf]]`
	with := func(lines string) cell {
		return cell{settings: lines, run: []string{run}, reload: "{DIR}/md/staging/*/job.json", ready: regexp.MustCompile(`"finished": true`)}
	}
	return client{
		name:   "Apache mod_md 2.4",
		needs:  []string{"/usr/sbin/apache2", "/usr/lib/apache2/modules/mod_md.so"},
		server: true,
		chain:  "{DIR}/seen.pem",
		files:  map[string]string{"apache/everleaf.conf": "{ETC}/apache2/conf-enabled/everleaf.conf"},
		cells: map[operation]cell{
			standalone: with("MDCAChallenges http-01"),
			webroot:    {blank: byTheServer},
			dns01:      with("MDCAChallenges dns-01\nMDChallengeDns01 {HOOKS}/apache-record"),
			tlsALPN:    with("MDCAChallenges tls-alpn-01"),
			wildcard:   with("MDCAChallenges dns-01\nMDChallengeDns01 {HOOKS}/apache-record"),
			ipAddress:  {blank: "mod_md orders an address as if it were a host name"},
			manyNames:  with(""),
			rsa:        with("MDPrivateKeys RSA 2048"),
			ecdsa:      with("MDPrivateKeys secp384r1"),
			eab:        with("MDExternalAccountBinding {KID} {HMAC}"),
			renew:      with("[[MDCheckInterval 1s]]"),
			advised:    with("[[MDCheckInterval 1s]]"),
			replaces:   with("[[MDCheckInterval 1s]]"),
			revoke:     {blank: noRevocation},
			revokeKey:  {blank: noRevocation},
			keyChange:  {blank: noAccount},
			deactivate: {blank: noAccount},
		},
	}
}

func goAutocert() client {
	const run = `{AUTOCERT} --directory {DIRECTORY} --root {ROOT} --name {NAME} --cache {CACHE}` +
		` [[--http 127.0.0.1:{HTTP_PORT} --https 127.0.0.1:{TLS_PORT}]]`
	return client{
		name:   "Go autocert",
		server: true,
		chain:  "{DIR}/seen.pem",
		cells: map[operation]cell{
			standalone: {blank: "autocert prefers tls-alpn-01 and falls back to http-01"},
			webroot:    {blank: byTheServer},
			dns01:      {blank: "autocert has no dns-01"},
			tlsALPN:    {run: []string{run}},
			wildcard:   {blank: "autocert has no dns-01"},
			ipAddress:  {blank: "autocert is for host names"},
			manyNames:  {blank: "autocert obtains a certificate for each name"},
			rsa:        {blank: "autocert asks for RSA only for visitors who know nothing else"},
			ecdsa:      {run: []string{run}},
			eab:        {run: []string{run + ` --eab-kid {KID} --eab-hmac {HMAC}`}},
			renew:      {run: []string{run}},
			advised:    {blank: "autocert knows no renewal information"},
			replaces:   {blank: "autocert knows no renewal information"},
			revoke:     {blank: noRevocation},
			revokeKey:  {blank: noRevocation},
			keyChange:  {blank: noAccount},
			deactivate: {blank: noAccount},
		},
	}
}
