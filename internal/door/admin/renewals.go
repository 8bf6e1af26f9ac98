package admin

import (
	"net/http"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

func (d *door) renewalOverrides(r *http.Request) (any, error) {
	ended, err := boolOf(r, "ended")
	if err != nil {
		return nil, err
	}
	found, err := d.manage.Overrides(r.Context(), ended)
	return adminapi.RenewalOverrides{RenewalOverrides: each(found, renewalOverride)}, err
}

func (d *door) overrideRenewal(r *http.Request) (any, error) {
	var n adminapi.NewRenewalOverride
	if err := decode(r, &n); err != nil {
		return nil, err
	}
	o, covered, err := d.manage.OverrideRenewal(r.Context(), d.by(r), manage.NewOverride{
		Set: manage.CertificateFilter{
			Name: n.Name, Connector: n.Connector, Account: n.Account, Profile: n.Profile, Issuer: n.Issuer,
			IssuedBefore: adminapi.Date(n.IssuedBefore), IssuedAfter: adminapi.Date(n.IssuedAfter),
		},
		All: n.All, Start: n.Start, End: n.End, Explanation: n.Explanation,
	})
	return shown(o, err, func(o manage.OverrideView) adminapi.CreatedRenewalOverride {
		return adminapi.CreatedRenewalOverride{RenewalOverride: renewalOverride(o), Covers: covered.Certificates, More: covered.More}
	})
}

func (d *door) endRenewalOverride(r *http.Request) (any, error) {
	o, err := d.manage.EndOverride(r.Context(), d.by(r), r.PathValue("id"))
	return shown(o, err, renewalOverride)
}

func renewalOverride(o manage.OverrideView) adminapi.RenewalOverride {
	status := adminapi.StatusActive
	if !o.Ended.IsZero() {
		status = adminapi.StatusEnded
	}
	return adminapi.RenewalOverride{
		ID: o.ID, Status: status,
		CertificateSet: adminapi.CertificateSet{
			Name: o.Set.Name, Connector: o.ConnectorName, Account: o.Set.Account, Profile: o.Set.Profile,
			IssuedBefore: adminapi.Date(o.Set.IssuedBefore), IssuedAfter: adminapi.Date(o.Set.IssuedAfter),
		},
		Issuers: o.Set.Issuers, Start: adminapi.Date(o.Window.Start), End: adminapi.Date(o.Window.End), Explanation: o.Explanation,
		Created: adminapi.Date(o.Created), Ended: adminapi.Date(o.Ended),
	}
}
