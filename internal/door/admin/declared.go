package admin

import (
	"net/http"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

func (d *door) organisations(r *http.Request) (any, error) {
	found, err := d.manage.Organisations(r.Context())
	return adminapi.Organisations{Organisations: each(found, organisation)}, err
}

func (d *door) createOrganisation(r *http.Request) (any, error) {
	var n adminapi.NewOrganisation
	if err := decode(r, &n); err != nil {
		return nil, err
	}
	o, err := d.manage.CreateOrganisation(r.Context(), d.by(r), n.Name)
	return shown(o, err, organisation)
}

func (d *door) connectors(r *http.Request) (any, error) {
	found, err := d.manage.Connectors(r.Context())
	return adminapi.Connectors{Connectors: each(found, d.showConnector)}, err
}

func (d *door) createConnector(r *http.Request) (any, error) {
	var n adminapi.NewConnector
	if err := decode(r, &n); err != nil {
		return nil, err
	}
	asked := manage.NewConnector{Name: n.Name, Kind: policy.Kind(n.Kind), Organisation: n.Organisation}
	c, err := d.manage.CreateConnector(r.Context(), d.by(r), asked, apply[policy.Rules](n.Rules))
	return shown(c, err, d.showConnector)
}

func (d *door) connector(r *http.Request) (any, error) {
	c, err := d.manage.Connector(r.Context(), r.PathValue("name"))
	return shown(c, err, d.showConnector)
}

func (d *door) changeRules(r *http.Request) (any, error) {
	var change adminapi.RulesChange
	if err := decode(r, &change); err != nil {
		return nil, err
	}
	c, err := d.manage.SetRules(r.Context(), d.by(r), r.PathValue("name"), apply[policy.Rules](change))
	return shown(c, err, d.showConnector)
}

func (d *door) suspendConnector(r *http.Request) (any, error) {
	c, err := d.manage.SuspendConnector(r.Context(), d.by(r), r.PathValue("name"))
	return shown(c, err, d.showConnector)
}

func (d *door) resumeConnector(r *http.Request) (any, error) {
	c, err := d.manage.ResumeConnector(r.Context(), d.by(r), r.PathValue("name"))
	return shown(c, err, d.showConnector)
}

func (d *door) perspectives(r *http.Request) (any, error) {
	key, err := d.manage.ValidationKey()
	if err != nil {
		return nil, err
	}
	found, err := d.manage.Perspectives(r.Context())
	return adminapi.Perspectives{TrustedKey: keyName(key), Perspectives: each(found, perspective)}, err
}

func (d *door) createPerspective(r *http.Request) (any, error) {
	var n adminapi.NewPerspective
	if err := decode(r, &n); err != nil {
		return nil, err
	}
	p, err := d.manage.CreatePerspective(r.Context(), d.by(r), manage.NewPerspective(n))
	return shown(p, err, perspective)
}

func (d *door) perspective(r *http.Request) (any, error) {
	p, err := d.manage.Perspective(r.Context(), r.PathValue("name"))
	return shown(p, err, perspective)
}

func (d *door) deletePerspective(r *http.Request) (any, error) {
	p, err := d.manage.DeletePerspective(r.Context(), d.by(r), r.PathValue("name"))
	return shown(p, err, perspective)
}

func (d *door) profiles(r *http.Request) (any, error) {
	found, err := d.manage.Profiles(r.Context())
	return adminapi.Profiles{Profiles: each(found, profile)}, err
}

func (d *door) profile(r *http.Request) (any, error) {
	p, err := d.manage.Profile(r.Context(), parameter(r, "organisation"), r.PathValue("name"))
	return shown(p, err, profile)
}

func (d *door) saveProfile(r *http.Request) (any, error) {
	var change adminapi.SpecChange
	if err := decode(r, &change); err != nil {
		return nil, err
	}
	p, err := d.manage.SaveProfile(r.Context(), d.by(r), parameter(r, "organisation"), r.PathValue("name"), apply[pki.Spec](change))
	return shown(p, err, profile)
}

func (d *door) issuers(r *http.Request) (any, error) {
	found, err := d.manage.Issuers(r.Context())
	return adminapi.Issuers{Issuers: each(found, issuer)}, err
}

func (d *door) issuer(r *http.Request) (any, error) {
	i, err := d.manage.Issuer(r.Context(), r.PathValue("ref"))
	return shown(i, err, issuerWithChain)
}

func (d *door) importIssuer(r *http.Request) (any, error) {
	var n adminapi.NewIssuer
	if err := decode(r, &n); err != nil {
		return nil, err
	}
	if n.Cross {
		i, err := d.manage.ImportCross(r.Context(), d.by(r), n.Name, []byte(n.Chain))
		return shown(i, err, issuerWithChain)
	}
	i, err := d.manage.ImportIssuer(r.Context(), d.by(r), n.Organisation, manage.Import{
		Name: n.Name, Chain: []byte(n.Chain), Key: []byte(n.Key), Passphrase: []byte(n.Passphrase),
	})
	return shown(i, err, issuerWithChain)
}

func (d *door) createIssuer(r *http.Request) (any, error) {
	var n adminapi.IssuerBelow
	if err := decode(r, &n); err != nil {
		return nil, err
	}
	i, err := d.manage.CreateIssuer(r.Context(), d.by(r), manage.NewIssuer{
		Name: n.Name, Organisation: n.Organisation, Parent: r.PathValue("ref"), KeyType: n.KeyType, CommonName: n.CommonName,
		Country: n.Country, Usages: n.Usages, Public: n.Public, ParentKey: manage.ParentKey{PEM: []byte(n.Key), Passphrase: []byte(n.Passphrase)},
		Constraints: pki.Constraints{
			PermittedNames: n.PermittedNames, ExcludedNames: n.ExcludedNames,
			PermittedNetworks: n.PermittedNetworks, ExcludedNetworks: n.ExcludedNetworks,
		},
	})
	return shown(i, err, issuerWithChain)
}

func (d *door) crossIssuer(r *http.Request) (any, error) {
	var n adminapi.CrossIssuer
	if err := decode(r, &n); err != nil {
		return nil, err
	}
	i, err := d.manage.CrossSign(r.Context(), d.by(r), r.PathValue("ref"), manage.Cross{
		By: n.By, Name: n.Name, ParentKey: manage.ParentKey{PEM: []byte(n.Key), Passphrase: []byte(n.Passphrase)},
	})
	return shown(i, err, issuerWithChain)
}

func (d *door) nextIssuer(r *http.Request) (any, error) {
	var n adminapi.NextIssuer
	if err := decode(r, &n); err != nil {
		return nil, err
	}
	key := manage.ParentKey{PEM: []byte(n.Key), Passphrase: []byte(n.Passphrase)}
	i, err := d.manage.NextIssuer(r.Context(), d.by(r), r.PathValue("ref"), key)
	return shown(i, err, issuerWithChain)
}
