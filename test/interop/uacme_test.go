package interop

// uacmeTrial keeps uacme's folder inside the test's, and lets uacme alone find the root where it looks for those of the machine,
// and its companion's socket where daemons have theirs.
const uacmeTrial = `[[proot -b {DIR}:/etc/ssl/certs -b {DIR}:/run]] uacme --acme-url {DIRECTORY} [[--confdir {UACME}]]`

const (
	uacmeRegister = uacmeTrial + ` --yes new ops@example.com`
	uacmeBind     = uacmeTrial + ` --yes --eab {KID}:{HMAC} new ops@example.com`
	uacmeHTTP     = `UACME_CHALLENGE_PATH={WEB}/.well-known/acme-challenge ` + uacmeTrial + ` --hook /usr/share/uacme/uacme.sh`
	uacmeDNS      = `[[MANAGE={MANAGE}]] ` + uacmeTrial + ` --hook {HOOKS}/uacme-record`
)

func uacme() client {
	issue := []string{uacmeRegister, uacmeHTTP + ` issue {NAME}`}
	return client{
		name:  "uacme 1.7",
		needs: []string{"uacme", "proot"},
		chain: "{UACME}/*/cert.pem",
		cells: map[operation]cell{
			standalone: {blank: "uacme has no web server; its hook leaves files for one"},
			webroot:    {webroot: true, run: issue},
			dns01:      {run: []string{uacmeRegister, uacmeDNS + ` issue {NAME}`}},
			tlsALPN: {
				beside: `ualpn --connect 127.0.0.1@8443 [[--bind 127.0.0.1@{TLS_PORT} --sock {DIR}/ualpn.sock --pidfile {DIR}/ualpn.pid]]`,
				run:    []string{uacmeRegister, uacmeTrial + ` --hook /usr/share/uacme/ualpn.sh issue {NAME}`},
			},
			wildcard:  {run: []string{uacmeRegister, uacmeDNS + ` issue '*.{NAME}'`}},
			ipAddress: {webroot: true, run: issue},
			manyNames: {webroot: true, run: []string{uacmeRegister, uacmeHTTP + ` issue {NAME_LIST}`}},
			rsa:       {webroot: true, run: []string{uacmeRegister, uacmeHTTP + ` --type RSA --bits 3072 issue {NAME}`}},
			ecdsa:     {webroot: true, run: []string{uacmeRegister, uacmeHTTP + ` --type EC --bits 384 issue {NAME}`}},
			eab:       {webroot: true, run: []string{uacmeBind, uacmeHTTP + ` issue {NAME}`}},
			renew:     {webroot: true, given: issue, run: []string{uacmeHTTP + ` --force issue {NAME}`}},
			advised:   {blank: "uacme 1.7 knows no renewal information"},
			replaces:  {blank: "uacme 1.7 knows no renewal information"},
			revoke: {webroot: true, given: issue, run: []string{
				uacmeTrial + ` --reason 4 revoke {UACME}/{NAME}/cert.pem`,
			}},
			revokeKey: {webroot: true, given: issue, run: []string{
				uacmeTrial + ` --reason 1 revoke {UACME}/{NAME}/cert.pem {UACME}/private/{NAME}/key.pem`,
			}},
			keyChange: {webroot: true, given: issue, run: []string{
				uacmeTrial + ` newkey`, uacmeHTTP + ` --force issue {NAME}`,
			}},
			deactivate: {webroot: true, given: issue, run: []string{uacmeTrial + ` deactivate`}},
		},
	}
}
