package app

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

func TestCareOverTheSocket(t *testing.T) {
	dir := t.TempDir()
	r := start(t, settings(t, dir))
	client := adminapi.NewClient(adminapi.OverSocket(SocketPath(dir)))
	readiness, err := client.Readiness(t.Context())
	if err != nil || !readiness.Ready || !readiness.Serving || len(readiness.Checks) != 8 {
		t.Errorf("%+v %v", readiness, err)
	}
	findings, err := client.Check(t.Context())
	if err != nil || len(findings.Findings) != 0 {
		t.Errorf("%+v %v", findings, err)
	}
	t.Chdir(t.TempDir()) // where the backup with a relative path would land, were it not refused
	copied := filepath.Join(t.TempDir(), "copy.db")
	if err := client.Backup(t.Context(), copied); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(copied); err != nil || info.Mode().Perm() != 0o600 || info.Size() == 0 {
		t.Errorf("%v %v", info, err)
	}
	for what, err := range map[string]error{
		"a file that exists": client.Backup(t.Context(), copied),
		"a relative path":    client.Backup(t.Context(), "copy.db"),
	} {
		if _, ok := errors.AsType[*adminapi.Error](err); !ok {
			t.Errorf("%s: %v", what, err)
		}
	}
	r.stop()
	a, err := Open(t.Context(), settings(t, dir), slog.New(slog.DiscardHandler), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	offline := adminapi.NewClient(adminapi.InProcess(a.AdminHandler()))
	if readiness, err = offline.Readiness(t.Context()); err != nil || readiness.Ready || readiness.Serving || len(readiness.Checks) != 6 {
		t.Errorf("%+v %v", readiness, err)
	}
	if _, err := offline.Reload(t.Context()); err == nil {
		t.Error("a reload without a server succeeded")
	}
}

// An open intent is a finding where a server runs and has not ended it; a start ends it otherwise.
func TestAnOpenIntentIsTheNextStartsToEnd(t *testing.T) {
	a := opened(t)
	organisations, err := a.db.Organisations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	profiles, err := a.db.Profiles(t.Context(), organisations[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	issuers, err := a.db.Issuers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now().Add(-time.Hour)
	err = a.db.BeginIssuance(t.Context(), pki.Intent{Begun: begun, TBS: []byte{1}, Certificate: pki.Certificate{
		ID: "intent", Organisation: organisations[0].ID, Profile: profiles[0].ID, ProfileName: profiles[0].Name, Issuer: issuers[0].ID,
		Serial: "4711", NotBefore: begun, NotAfter: begun.Add(24 * time.Hour),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if found, err := (care{app: a}).Check(t.Context()); err != nil || len(found) != 0 {
		t.Errorf("without a server: %q %v", found, err)
	}
	found, err := (care{app: a, health: &health{}}).Check(t.Context())
	if err != nil || len(found) != 1 || !strings.HasPrefix(found[0], "Intent intent was begun at ") {
		t.Errorf("with a server: %q %v", found, err)
	}
}

func TestAStaleListIsNoReasonForAlarm(t *testing.T) {
	r := start(t, settings(t, t.TempDir()))
	client := adminapi.NewClient(adminapi.OverSocket(SocketPath(r.info.Data)))
	list, err := client.Certificates(t.Context(), adminapi.CertificateFilter{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.RevokeCertificate(t.Context(), list.Certificates[0].Serial, adminapi.Revocation{}); err != nil {
		t.Fatal(err)
	}
	readiness, err := client.Readiness(t.Context())
	if err != nil || !readiness.Ready {
		t.Errorf("%+v %v", readiness, err)
	}
}
