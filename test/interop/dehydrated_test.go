package interop

const (
	dehydratedTrial    = ` [[--config {DEHYDRATED}/config]]`
	dehydratedRegister = `dehydrated --register --accept-terms` + dehydratedTrial
	dehydratedIssue    = `dehydrated --cron --domain {NAME}` + dehydratedTrial
	dehydratedDNS      = `[[MANAGE={MANAGE}]] dehydrated --cron --challenge dns-01 --hook {HOOKS}/dehydrated-record`
)

func dehydrated() client {
	issue := []string{dehydratedRegister, dehydratedIssue}
	return client{
		name:  "dehydrated 0.7",
		needs: []string{"dehydrated"},
		chain: "{DIR}/certs/*/fullchain.pem",
		files: map[string]string{"dehydrated/config": "{DEHYDRATED}/config"},
		cells: map[operation]cell{
			standalone: {blank: "dehydrated has no web server; it leaves files for one"},
			webroot:    {webroot: true, run: issue},
			dns01:      {run: []string{dehydratedRegister, dehydratedDNS + ` --domain {NAME}` + dehydratedTrial}},
			tlsALPN:    {blank: "dehydrated only makes the certificate that a TLS server of yours has to show"},
			wildcard: {run: []string{
				dehydratedRegister, dehydratedDNS + ` --domain '*.{NAME}' --alias wildcard` + dehydratedTrial,
			}},
			ipAddress: {blank: "dehydrated 0.7 orders an address as if it were a host name"},
			manyNames: {webroot: true, run: []string{
				dehydratedRegister, `dehydrated --cron --domain '{NAME_LIST}'` + dehydratedTrial,
			}},
			rsa:   {webroot: true, run: []string{dehydratedRegister, dehydratedIssue + ` --algo rsa`}},
			ecdsa: {webroot: true, run: []string{dehydratedRegister, dehydratedIssue + ` --algo prime256v1`}},
			eab: {webroot: true, run: []string{
				`EAB_KID={KID} EAB_HMAC_KEY={HMAC} ` + dehydratedRegister, dehydratedIssue,
			}},
			renew:    {webroot: true, given: issue, run: []string{dehydratedIssue + ` --force`}},
			advised:  {blank: "dehydrated 0.7 knows no renewal information"},
			replaces: {blank: "dehydrated 0.7 knows no renewal information"},
			revoke: {webroot: true, given: issue, run: []string{
				`dehydrated --revoke {DEHYDRATED}/certs/{NAME}/cert.pem` + dehydratedTrial,
			}},
			revokeKey:  {blank: "dehydrated signs revocations with the key of an account only"},
			keyChange:  {blank: "dehydrated cannot change the key of its account"},
			deactivate: {webroot: true, given: issue, run: []string{`dehydrated --deactivate` + dehydratedTrial}},
		},
	}
}
