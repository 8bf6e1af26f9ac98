package admin

import (
	"net/http"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

func (d *door) accounts(r *http.Request) (any, error) {
	page, err := pageOf(r)
	if err != nil {
		return nil, err
	}
	found, next, err := d.manage.Accounts(r.Context(), parameter(r, "connector"), page)
	return adminapi.Accounts{Accounts: each(found, account), Next: next}, err
}

func (d *door) account(r *http.Request) (any, error) {
	a, err := d.manage.Account(r.Context(), r.PathValue("id"))
	return shown(a, err, account)
}

func (d *door) records(r *http.Request) (any, error) {
	found, err := d.manage.Records(r.Context(), r.PathValue("id"), parameter(r, "name"))
	return adminapi.Records{Records: each(found, dnsRecord)}, err
}

func dnsRecord(r manage.Record) adminapi.Record {
	return adminapi.Record{Method: string(r.Method), Name: r.Name, Value: r.Value}
}

func (d *door) revokeAccount(r *http.Request) (any, error) {
	a, err := d.manage.RevokeAccount(r.Context(), d.by(r), r.PathValue("id"))
	return shown(a, err, account)
}

func (d *door) orders(r *http.Request) (any, error) {
	page, err := pageOf(r)
	if err != nil {
		return nil, err
	}
	found, next, err := d.manage.Orders(r.Context(), parameter(r, "connector"), page)
	return adminapi.Orders{Orders: each(found, order), Next: next}, err
}

func (d *door) order(r *http.Request) (any, error) {
	o, err := d.manage.Order(r.Context(), r.PathValue("id"))
	return shown(o, err, order)
}

func (d *door) certificates(r *http.Request) (any, error) {
	page, err := pageOf(r)
	if err != nil {
		return nil, err
	}
	filter, err := filterOf(r)
	if err != nil {
		return nil, err
	}
	found, next, err := d.manage.Certificates(r.Context(), filter, page)
	return adminapi.Certificates{Certificates: each(found, certificate), Next: next}, err
}

func filterOf(r *http.Request) (manage.CertificateFilter, error) {
	f := manage.CertificateFilter{
		Name: parameter(r, "name"), Connector: parameter(r, "connector"),
		Account: parameter(r, "account"), Credential: parameter(r, "credential"), Order: parameter(r, "order"),
		Profile: parameter(r, "profile"), Issuer: parameter(r, "issuer"),
	}
	var err error
	if f.IssuedBefore, err = timeOf(r, "issued_before"); err != nil {
		return f, err
	}
	if f.IssuedAfter, err = timeOf(r, "issued_after"); err != nil {
		return f, err
	}
	if f.ExpiresBefore, err = timeOf(r, "expires_before"); err != nil {
		return f, err
	}
	if f.ExpiresAfter, err = timeOf(r, "expires_after"); err != nil {
		return f, err
	}
	f.Revoked, err = boolOf(r, "revoked")
	return f, err
}

func (d *door) certificate(r *http.Request) (any, error) {
	c, err := d.manage.Certificate(r.Context(), r.PathValue("ref"))
	return shown(c, err, certificateWithChain)
}

func (d *door) revokeCertificate(r *http.Request) (any, error) {
	var n adminapi.Revocation
	if err := decode(r, &n); err != nil {
		return nil, err
	}
	c, changed, err := d.manage.RevokeCertificate(r.Context(), d.by(r), r.PathValue("ref"), n.Reason)
	return shown(c, err, revoked(changed))
}

func (d *door) events(r *http.Request) (any, error) {
	page, err := pageOf(r)
	if err != nil {
		return nil, err
	}
	found, next, err := d.manage.Events(r.Context(), parameter(r, "object"), page)
	return adminapi.Events{Events: each(found, happening), Next: next}, err
}

func (d *door) acceptClock(r *http.Request) (any, error) {
	c, err := d.manage.AcceptClock(r.Context(), d.by(r))
	return shown(c, err, clock)
}
