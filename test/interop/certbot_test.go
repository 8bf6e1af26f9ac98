package interop

// certbotTrial keeps certbot's folders inside the test's.
const certbotTrial = ` [[--config-dir {ETC}/letsencrypt --work-dir {DIR}/lib --logs-dir {DIR}/log --non-interactive]]`

const certbotIssue = `REQUESTS_CA_BUNDLE={ROOT} certbot certonly --standalone [[--http-01-port {HTTP_PORT} --http-01-address 127.0.0.1]]
	--server {DIRECTORY} --register-unsafely-without-email --agree-tos -d {NAME}`

const certbotDNS = `REQUESTS_CA_BUNDLE={ROOT} [[MANAGE={MANAGE}]] certbot certonly --manual --preferred-challenges dns
	--manual-auth-hook {HOOKS}/certbot-add --manual-cleanup-hook {HOOKS}/certbot-remove
	--server {DIRECTORY} --register-unsafely-without-email --agree-tos -d `

func certbot() client {
	issue := certbotIssue + certbotTrial
	return client{
		name:  "certbot 2.1",
		needs: []string{"certbot"},
		chain: "{ETC}/letsencrypt/live/*/fullchain.pem",
		cells: map[operation]cell{
			standalone: {run: []string{issue}},
			webroot: {webroot: true, run: []string{`REQUESTS_CA_BUNDLE={ROOT} certbot certonly --webroot --webroot-path {WEB}
	--server {DIRECTORY} --register-unsafely-without-email --agree-tos -d {NAME}` + certbotTrial}},
			dns01:     {run: []string{certbotDNS + `{NAME}` + certbotTrial}},
			tlsALPN:   {blank: "certbot has no tls-alpn-01"},
			wildcard:  {run: []string{certbotDNS + `'*.{NAME}'` + certbotTrial}},
			ipAddress: {blank: "certbot 2.1 certifies host names only"},
			manyNames: {run: []string{`REQUESTS_CA_BUNDLE={ROOT} certbot certonly --standalone [[--http-01-port {HTTP_PORT} --http-01-address 127.0.0.1]]
	--server {DIRECTORY} --register-unsafely-without-email --agree-tos -d {NAMES}` + certbotTrial}},
			rsa:   {run: []string{issue + ` --key-type rsa --rsa-key-size 2048`}},
			ecdsa: {run: []string{issue + ` --key-type ecdsa --elliptic-curve secp384r1`}},
			eab:   {run: []string{issue + ` --eab-kid {KID} --eab-hmac-key {HMAC}`}},
			renew: {given: []string{issue}, run: []string{
				`REQUESTS_CA_BUNDLE={ROOT} certbot renew --cert-name {NAME} --force-renewal [[--no-random-sleep-on-renew]]` + certbotTrial,
			}},
			advised:  {blank: "certbot 2.1 knows no renewal information"},
			replaces: {blank: "certbot 2.1 knows no renewal information"},
			revoke: {given: []string{issue}, run: []string{
				`REQUESTS_CA_BUNDLE={ROOT} certbot revoke --server {DIRECTORY} --cert-name {NAME} --reason superseded --delete-after-revoke` + certbotTrial,
			}},
			revokeKey: {given: []string{issue}, run: []string{
				`REQUESTS_CA_BUNDLE={ROOT} certbot revoke --server {DIRECTORY} --reason keycompromise --no-delete-after-revoke
	--cert-path {ETC}/letsencrypt/live/{NAME}/cert.pem --key-path {ETC}/letsencrypt/live/{NAME}/privkey.pem` + certbotTrial,
			}},
			keyChange:  {blank: "certbot cannot change the key of its account"},
			deactivate: {given: []string{issue}, run: []string{`REQUESTS_CA_BUNDLE={ROOT} certbot unregister --server {DIRECTORY}` + certbotTrial}},
		},
	}
}
