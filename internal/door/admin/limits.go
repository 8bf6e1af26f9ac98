package admin

import (
	"net/http"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/limit"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

// limitRoutes returns the operations on limits.
func limitRoutes() []route {
	return []route{
		{http.MethodGet, "/v1/limits", []string{"connector", "kind"}, (*door).limits},
		{http.MethodPost, "/v1/limits/override", nil, (*door).overrideLimit},
		{http.MethodPost, "/v1/limits/reset", nil, (*door).resetLimit},
		{http.MethodPost, "/v1/limits/resume", nil, (*door).resumeLimit},
	}
}

func (d *door) limits(r *http.Request) (any, error) {
	found, err := d.manage.Limits(r.Context(), parameter(r, "connector"), limit.Kind(parameter(r, "kind")))
	return adminapi.Limits{Limits: each(found, showLimit)}, err
}

func (d *door) overrideLimit(r *http.Request) (any, error) {
	var n adminapi.LimitOverride
	if err := decode(r, &n); err != nil {
		return nil, err
	}
	asked := manage.Override{
		Connector: n.Connector, Account: n.Account, Credential: n.Credential, Name: n.Name, Address: n.Address,
		Kind: n.Kind, Usual: n.Rate == adminapi.RateUsual, Until: n.Until,
	}
	if !asked.Usual {
		rate, err := limit.ParseRate(n.Rate)
		if err != nil {
			return nil, fault.Wrap(err, fault.Malformed, "rate: %q is none; write it like 300/3h, %s or %s.", clip(n.Rate), limit.None, adminapi.RateUsual)
		}
		asked.Rate = rate
	}
	c, err := d.manage.OverrideLimit(r.Context(), d.by(r), asked)
	return shown(c, err, d.showConnector)
}

func (d *door) resetLimit(r *http.Request) (any, error) {
	var n adminapi.LimitReset
	if err := decode(r, &n); err != nil {
		return nil, err
	}
	l, err := d.manage.ResetLimit(r.Context(), d.by(r), n.Connector, limit.Key{Kind: n.Kind, Subject: n.Subject})
	return shown(l, err, showLimit)
}

func (d *door) resumeLimit(r *http.Request) (any, error) {
	var n adminapi.LimitResume
	if err := decode(r, &n); err != nil {
		return nil, err
	}
	l, err := d.manage.ResumeProofs(r.Context(), d.by(r), n.Account, n.Name)
	return shown(l, err, showLimit)
}

func showLimit(v manage.LimitView) adminapi.Limit {
	l := adminapi.Limit{
		Connector: v.ConnectorName, Kind: v.Kind, Subject: v.Subject, Rate: v.Rate, Taken: v.Count,
		FailuresInRow: v.Row, PausedUntil: adminapi.Date(v.PausedUntil),
	}
	if v.Count > 0 {
		l.FreeAt = adminapi.Date(v.Arrival)
	}
	return l
}
