package app

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// endingSoon is how long before its end a revocation list, or the certificate that signs OCSP answers, is the operator's
// affair (BR section 4.9.7 gives a list ten days at most; ours are renewed when half of seven is left).
const endingSoon = 48 * time.Hour

// madeHere reports whether this server makes the lists and the answers of an issuer.
func madeHere(i pki.Issuer) bool { return i.Key != "" && time.Now().Before(i.NotAfter) }

// listsMadeHere returns every revocation list that this server makes, without its bytes.
func (a *App) listsMadeHere(ctx context.Context) ([]pki.CRL, error) {
	all, err := a.issue.RevocationLists(ctx)
	if err != nil {
		return nil, err
	}
	issuers, err := a.db.Issuers(ctx)
	if err != nil {
		return nil, err
	}
	here := map[string]bool{}
	for _, i := range issuers {
		here[i.ID] = madeHere(i)
	}
	var made []pki.CRL
	for _, list := range all {
		if here[list.Issuer] {
			made = append(made, list)
		}
	}
	return made, nil
}

// checkLists wants every revocation list that this server makes to be in force for a while.
func (a *App) checkLists(ctx context.Context) error {
	lists, err := a.listsMadeHere(ctx)
	if err != nil {
		return err
	}
	for _, list := range lists {
		if list.Number == 0 || time.Now().Add(endingSoon).After(list.NextUpdate) {
			return fmt.Errorf("list %d of issuer %s is not renewed; see the log", list.Shard.Number, list.Issuer)
		}
	}
	return nil
}

// checkResponders wants a responder for every issuer whose certificates name one, with a certificate that lasts for a while.
func (a *App) checkResponders(ctx context.Context) error {
	profiles, err := a.db.Profiles(ctx, "")
	if err != nil {
		return err
	}
	issuers, err := a.db.Issuers(ctx)
	if err != nil {
		return err
	}
	for _, i := range issuers {
		if !madeHere(i) || !i.NeedsResponder(profiles) {
			continue
		}
		if until := a.engine.ResponderUntil(i.ID, time.Now()); until.Before(time.Now().Add(endingSoon)) && until.Before(i.NotAfter) {
			return fmt.Errorf("the certificate that signs the OCSP answers of issuer %s is not renewed; see the log", i.ID)
		}
	}
	return nil
}

// listEnd is the gauge of when the first of the lists that this server makes ends; not a number while none is known.
func (a *App) listEnd() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "everleaf_revocation_list_end_timestamp_seconds", Help: "When the first of the revocation lists ends that this server makes.",
	}, func() float64 {
		ctx, cancel := context.WithTimeout(context.Background(), checkLimit)
		defer cancel()
		lists, err := a.listsMadeHere(ctx)
		if err != nil || len(lists) == 0 {
			return math.NaN()
		}
		first := lists[0].NextUpdate
		for _, list := range lists {
			if list.NextUpdate.Before(first) {
				first = list.NextUpdate
			}
		}
		return float64(first.Unix())
	})
}
