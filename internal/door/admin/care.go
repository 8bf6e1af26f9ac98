package admin

import (
	"context"
	"net/http"
	"path/filepath"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// Care is what looks after the installation itself, beyond the use cases.
type Care interface {
	// Backup writes a consistent copy of the database to a new file.
	Backup(ctx context.Context, path string) error
	// Check verifies the whole store and returns one sentence for each finding.
	Check(ctx context.Context) ([]string, error)
	// Reload reads the settings again. The error says why the old ones stay in force.
	Reload(ctx context.Context) (adminapi.Reloaded, error)
	// Readiness runs every check of readiness.
	Readiness(ctx context.Context) adminapi.Readiness
}

func careRoutes() []route {
	return []route{
		{http.MethodPost, "/v1/operation/backup", nil, (*door).backup},
		{http.MethodPost, "/v1/operation/check", nil, (*door).check},
		{http.MethodPost, "/v1/operation/reload", nil, (*door).reload},
		{http.MethodGet, "/v1/operation/readiness", nil, (*door).readiness},
	}
}

func (d *door) backup(r *http.Request) (any, error) {
	var in adminapi.Backup
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	if !filepath.IsAbs(in.Path) {
		return nil, fault.New(fault.Malformed, "%q is not an absolute path; the server's folder is not yours.", clip(in.Path))
	}
	return adminapi.Done{Done: true}, told(d.care.Backup(r.Context(), in.Path))
}

func (d *door) check(r *http.Request) (any, error) {
	findings, err := d.care.Check(r.Context())
	if findings == nil {
		findings = []string{}
	}
	return adminapi.Findings{Findings: findings}, err
}

func (d *door) reload(r *http.Request) (any, error) {
	done, err := d.care.Reload(r.Context())
	return done, told(err)
}

func (d *door) readiness(r *http.Request) (any, error) {
	return d.care.Readiness(r.Context()), nil
}

// told shows an error of the operator's own machine to the operator: paths and settings are theirs. The sentence is all
// of it, so that the log has it once.
func told(err error) error {
	if err == nil || fault.KindOf(err) != fault.Internal {
		return err
	}
	return fault.New(fault.Conflict, "%v", err)
}
