package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/issue"
	"github.com/everleaf-pki/everleaf/internal/jobs"
)

// How often the background jobs run, and how they are bounded.
const (
	listInterval    = 2 * time.Second // revocations are listed within seconds, those that follow from a compromised key too
	resumeInterval  = 10 * time.Second
	resumeAge       = 45 * time.Second // what is younger is still worked on by the request that began it
	resumeLimit     = 100              // validations
	takeUpLimit     = 30 * time.Second // how long a start waits for issuances that a crash left behind
	firstLists      = 10 * time.Second // how long a start waits for revocation lists that have to be made
	giveUpAfter     = time.Hour        // an intent that cannot be signed so long is abandoned
	trimInterval    = time.Minute
	trimStep        = 200 // rows of one small transaction
	keepEnded       = 30 * 24 * time.Hour
	renewalInterval = 10 * time.Minute
)

// backgroundJobs returns what happens without a request.
func (a *App) backgroundJobs(own *serverCertificate) []jobs.Job {
	all := []jobs.Job{
		{Name: "compromised-keys", Interval: listInterval, Run: a.issue.RevokeCompromised},
		{Name: "demanded-revocations", Interval: listInterval, More: 1, Run: a.manage.RevokeDemanded},
		{Name: "revocation-lists", Interval: listInterval, Run: a.issue.PublishLists},
		{Name: "ocsp-responders", Interval: renewalInterval, Run: a.issue.RenewResponders},
		{Name: "resume-issuances", Interval: resumeInterval, Run: a.resumeIssuances},
		{Name: "resume-validations", Interval: resumeInterval, More: resumeLimit, Run: a.resumeLooks},
		{Name: "retention", Interval: trimInterval, More: trimStep, Run: func(ctx context.Context) (int, error) {
			return a.db.Trim(ctx, time.Now().Add(-keepEnded), trimStep)
		}},
		{Name: "server-certificate", Interval: renewalInterval, Run: own.ensure},
		{Name: "next-issuer", Interval: renewalInterval, Run: a.nextIssuer},
	}
	for i := range all {
		all[i].Observe = a.metrics.job
	}
	return all
}

// takeUp finishes what a crash left behind, before the first request is answered. The folder's lock says that nobody
// else works on it, so even what was begun in this very second is nobody's. Issuances that cannot be finished within
// takeUpLimit do not stop the start: the job goes on with them.
func (a *App) takeUp(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, takeUpLimit)
	defer cancel()
	if _, err := a.issue.ResumeIssuances(limited, time.Now().Add(time.Second), giveUpAfter); err != nil {
		a.log.Error("not every issuance that was begun before is finished", slog.Any("error", err))
	}
	for {
		taken, err := a.issue.ResumeLooks(ctx, time.Now().Add(time.Second), resumeLimit)
		if err != nil || taken < resumeLimit {
			return err
		}
	}
}

// resumeIssuances finishes intents that an error left behind: what is older than any request.
func (a *App) resumeIssuances(ctx context.Context) (int, error) {
	return a.issue.ResumeIssuances(ctx, time.Now().Add(-resumeAge), giveUpAfter)
}

// resumeLooks does the same for validations.
func (a *App) resumeLooks(ctx context.Context) (int, error) {
	return a.issue.ResumeLooks(ctx, time.Now().Add(-resumeAge), resumeLimit)
}

// nextIssuer makes the next intermediate in time, and warns while it cannot.
func (a *App) nextIssuer(ctx context.Context) (int, error) {
	succession, err := a.manage.NextIssuers(ctx)
	for _, w := range succession.Warnings {
		a.log.Warn("an issuer needs a successor", slog.String("problem", w))
	}
	return len(succession.Made), err
}

// standingChecks returns the named conditions of readiness that need no server.
func (a *App) standingChecks() []check {
	checks := []check{
		{name: "store", run: a.db.Ping},
		{name: "clock", run: a.checkClock},
		{name: "issuers", run: a.checkIssuers},
		{name: "revocation-lists", run: a.checkLists},
		{name: "perspectives", run: a.manage.CheckQuorums, degrades: true},
		{name: "public-profiles", run: a.manage.CheckPublic, degrades: true},
	}
	if a.config.SignedZone != "" {
		checks = append(checks, check{name: "dns", run: a.prober.Validates})
	}
	return checks
}

// checks returns the named conditions of readiness of a server.
func (a *App) checks(own *serverCertificate) []check {
	return append(a.standingChecks(),
		check{name: "ocsp", run: a.checkResponders},
		check{name: "server-certificate", run: func(context.Context) error { return own.problem() }})
}

func (a *App) checkClock(ctx context.Context) error {
	newest, err := a.db.LastEvent(ctx)
	if err != nil {
		return err
	}
	return issue.CheckClock(time.Now(), newest)
}

// checkIssuers wants an issuer that can sign for every profile.
func (a *App) checkIssuers(ctx context.Context) error {
	profiles, err := a.db.Profiles(ctx, "")
	if err != nil {
		return err
	}
	issuers, err := a.db.Issuers(ctx)
	if err != nil {
		return err
	}
	for _, p := range profiles {
		if err := a.signs(p, issuers); err != nil {
			return fmt.Errorf("profile %s: %w", p.Name, err)
		}
	}
	return nil
}

func (a *App) signs(p pki.Profile, issuers []pki.Issuer) error {
	now := time.Now()
	err := fmt.Errorf("no issuer named %s is valid now", p.Spec.Issuer)
	for _, i := range issuers {
		if i.Name == p.Spec.Issuer && i.Organisation == p.Organisation && !now.Before(i.NotBefore) && now.Before(i.NotAfter) {
			if err = a.engine.CanSign(i); err == nil {
				return nil
			}
		}
	}
	return err
}
