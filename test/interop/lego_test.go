package interop

// The fourth lego has its options before the subcommand.
const lego4 = `LEGO_CA_CERTIFICATES={ROOT} lego --server {DIRECTORY} --email ops@example.com --accept-tos [[--path {DIR}/lego]]`

const (
	lego4HTTP = ` --http [[--http.port 127.0.0.1:{HTTP_PORT}]]`
	lego4DNS  = ` --dns exec [[--dns.disable-cp --dns.resolvers {RESOLVER}]]`
)

// legoExec tells lego's provider "exec" which program puts the TXT records in.
const legoExec = `EXEC_PATH={HOOKS}/lego-record [[MANAGE={MANAGE}]] `

func legoFour() client {
	issue := lego4 + lego4HTTP + ` --domains {NAME} run`
	return client{
		name:  "lego 4.9",
		needs: []string{"lego"},
		chain: "{DIR}/lego/certificates/*[^r].crt",
		cells: map[operation]cell{
			standalone: {run: []string{issue}},
			webroot:    {webroot: true, run: []string{lego4 + ` --http --http.webroot {WEB} --domains {NAME} run`}},
			dns01:      {run: []string{legoExec + lego4 + lego4DNS + ` --domains {NAME} run`}},
			tlsALPN:    {run: []string{lego4 + ` --tls [[--tls.port 127.0.0.1:{TLS_PORT}]] --domains {NAME} run`}},
			wildcard:   {run: []string{legoExec + lego4 + lego4DNS + ` --domains '*.{NAME}' run`}},
			ipAddress:  {blank: "lego 4.9 orders an address as if it were a host name"},
			manyNames:  {run: []string{lego4 + lego4HTTP + ` {DOMAINS} run`}},
			rsa:        {run: []string{lego4 + lego4HTTP + ` --key-type rsa2048 --domains {NAME} run`}},
			ecdsa:      {run: []string{lego4 + lego4HTTP + ` --key-type ec384 --domains {NAME} run`}},
			eab:        {run: []string{lego4 + ` --eab --kid {KID} --hmac {HMAC}` + lego4HTTP + ` --domains {NAME} run`}},
			renew: {given: []string{issue}, run: []string{
				lego4 + lego4HTTP + ` --domains {NAME} renew --days 365 [[--no-random-sleep]]`,
			}},
			advised:    {blank: "lego 4.9 knows no renewal information"},
			replaces:   {blank: "lego 4.9 knows no renewal information"},
			revoke:     {given: []string{issue}, run: []string{lego4 + ` --domains {NAME} revoke --reason 4`}},
			revokeKey:  {blank: "lego signs revocations with its account's key only"},
			keyChange:  {blank: "lego 4 cannot change the key of its account"},
			deactivate: {blank: "lego cannot deactivate its account"},
		},
	}
}

// lego5Program is where "make tools" builds the fifth lego.
const lego5Program = "../../.cache/bin/lego-v5"

// The fifth lego has its options after the subcommand.
const (
	lego5      = `LEGO_CA_CERTIFICATES={ROOT} {LEGO5}`
	lego5Where = ` --server {DIRECTORY} --email ops@example.com [[--path {DIR}/lego]]`
	lego5HTTP  = ` --http [[--http.address 127.0.0.1:{HTTP_PORT}]]`
	lego5DNS   = ` --dns exec [[--dns.propagation.disable-ans --dns.propagation.disable-rns --dns.resolvers {RESOLVER}]]`
)

func legoFive() client {
	get := lego5 + ` run` + lego5Where + ` --accept-tos`
	issue := get + lego5HTTP + ` --domains {NAME}`
	return client{
		name:  "lego 5.6",
		needs: []string{lego5Program},
		chain: "{DIR}/lego/certificates/*[^r].crt",
		cells: map[operation]cell{
			standalone: {run: []string{issue}},
			webroot:    {webroot: true, run: []string{get + ` --http --http.webroot {WEB} --domains {NAME}`}},
			dns01:      {run: []string{legoExec + get + lego5DNS + ` --domains {NAME}`}},
			tlsALPN:    {run: []string{get + ` --tls [[--tls.address 127.0.0.1:{TLS_PORT}]] --domains {NAME}`}},
			wildcard:   {run: []string{legoExec + get + lego5DNS + ` --domains '*.{NAME}'`}},
			ipAddress:  {run: []string{issue}},
			manyNames:  {run: []string{get + lego5HTTP + ` --domains {NAMES}`}},
			rsa:        {run: []string{issue + ` --key-type RSA2048`}},
			ecdsa:      {run: []string{issue + ` --key-type EC384`}},
			eab:        {run: []string{issue + ` --eab --eab.kid {KID} --eab.hmac {HMAC}`}},
			renew:      {given: []string{issue}, run: []string{issue + ` --renew-force [[--no-random-sleep]]`}},
			advised:    {given: []string{issue}, run: []string{issue + ` [[--no-random-sleep]]`}},
			replaces:   {given: []string{issue}, run: []string{issue + ` --renew-force [[--no-random-sleep]]`}},
			revoke: {given: []string{issue}, run: []string{
				lego5 + ` certificates revoke` + lego5Where + ` --cert.name {NAME} --reason 4`,
			}},
			revokeKey: {blank: "lego signs revocations with its account's key only"},
			keyChange: {given: []string{issue}, run: []string{
				lego5 + ` accounts keyrollover` + lego5Where,
				issue + ` --renew-force [[--no-random-sleep]]`,
			}},
			deactivate: {blank: "lego cannot deactivate its account"},
		},
	}
}
