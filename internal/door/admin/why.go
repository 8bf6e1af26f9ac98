package admin

import (
	"cmp"
	"context"
	"net/http"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/issue"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

// Explainer says what would become of a certificate. The use cases of requesters are one: they decide, so they know.
type Explainer interface {
	Why(ctx context.Context, q issue.Question) (issue.Answer, error)
}

func (d *door) why(r *http.Request) (any, error) {
	var q adminapi.Question
	if err := decode(r, &q); err != nil {
		return nil, err
	}
	asked := issue.Question{
		Connector: cmp.Or(q.Connector, manage.Default), Credential: q.Credential, Profile: q.Profile, Names: q.Names, Order: q.Order,
	}
	if q.Request != "" {
		asked.Request = []byte(q.Request)
	}
	a, err := d.explain.Why(r.Context(), asked)
	return shown(a, err, answer)
}

func answer(a issue.Answer) adminapi.Answer {
	wire := adminapi.Answer{
		Would: a.Would(), Connector: a.Connector, Credential: a.Credential, Profile: a.Profile,
		Names: each(a.Names, ident.Identifier.Value), Objections: each(a.Objections, objection), Needs: each(a.Needs, need), Warnings: a.Warnings,
	}
	if a.Order != nil {
		wire.Order, wire.OrderStatus, wire.Certificate = a.Order.ID, string(a.Order.Status), a.Order.Certificate
	}
	return wire
}

func objection(o policy.Objection) adminapi.Objection {
	return adminapi.Objection{Name: o.Identifier.Value(), By: o.By, Of: o.Name, Rule: o.Rule, Kind: string(o.Kind), Reason: o.Reason}
}

func need(n issue.Need) adminapi.Need {
	return adminapi.Need{Name: n.Identifier.Value(), Methods: each(n.Methods, func(m acme.Method) string { return string(m) }), Because: n.Because}
}
