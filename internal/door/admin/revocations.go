package admin

import (
	"net/http"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

func (d *door) revokeMany(r *http.Request) (any, error) {
	var m adminapi.ManyRevocations
	if err := decode(r, &m); err != nil {
		return nil, err
	}
	done, err := d.manage.RevokeMany(r.Context(), d.by(r), manage.ManyRevocations{
		Set: manage.CertificateFilter{
			Name: m.Name, Connector: m.Connector, Account: m.Account, Credential: m.Credential, Profile: m.Profile, Issuer: m.Issuer,
			IssuedBefore: adminapi.Date(m.IssuedBefore), IssuedAfter: adminapi.Date(m.IssuedAfter),
			ExpiresBefore: adminapi.Date(m.ExpiresBefore), ExpiresAfter: adminapi.Date(m.ExpiresAfter),
		},
		Key: m.Key, Reason: m.Reason, DryRun: m.DryRun,
	}, manage.Page{Before: m.Before, Limit: m.Limit})
	return adminapi.ManyRevoked{Found: done.Found, Changed: done.Changed, Sample: each(done.Sample, certificate), Next: done.Next}, err
}
