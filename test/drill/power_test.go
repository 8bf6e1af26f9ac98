package drill

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/store/sqlite"
	"github.com/everleaf-pki/everleaf/test/chaltest"
	"github.com/everleaf-pki/everleaf/test/process"
)

const (
	powerCertificates = 60 // how many are issued under the trace
	powerCuts         = 50 // at how many moments the power goes
)

// TestPowerCut records every write and sync of a server under load, rebuilds the files as a power cut would have left
// them at many moments between two syncs, and wants each certificate in them that a client had been given before.
// kill -9 cannot show this: the page cache survives it.
// Proves O-19.
func TestPowerCut(t *testing.T) {
	result := drillPower(t, process.Build(t))
	if result.lost > 0 || len(result.findings) > 0 {
		t.Errorf("%d acknowledged certificates lost in %d cuts; %s", result.lost, result.cuts, strings.Join(result.findings, "\n"))
	}
	t.Logf("%d cuts, %d certificates looked up", result.cuts, result.looked)
}

// TestPowerCutFindsAMissingSync builds the same server without synchronous writes: the drill must notice.
func TestPowerCutFindsAMissingSync(t *testing.T) {
	result := drillPower(t, process.Build(t, "-overlay", withoutSync(t)))
	if result.lost == 0 {
		t.Errorf("a server that syncs nothing passed %d cuts: the drill cannot see what it is for", result.cuts)
	}
}

// withoutSync returns an overlay for go build in which SQLite is told not to sync.
func withoutSync(t *testing.T) string {
	t.Helper()
	original := filepath.Join(process.Root(), "internal", "store", "sqlite", "driver.go")
	text, err := os.ReadFile(original)
	if err != nil {
		t.Fatal(err)
	}
	seeded := strings.Replace(string(text), `values.Set("_sync", "FULL")`, `values.Set("_sync", "OFF")`, 1)
	if seeded == string(text) {
		t.Fatal("driver.go sets synchronous in another way now; mend this seed")
	}
	replacement := filepath.Join(t.TempDir(), "driver.go")
	if err := os.WriteFile(replacement, []byte(seeded), 0o600); err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {original: replacement}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "overlay.json")
	if err := os.WriteFile(path, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// cutResult is what all cuts together left.
type cutResult struct {
	cuts, looked, lost int
	findings           []string
}

func drillPower(t *testing.T, binary string) cutResult {
	t.Helper()
	data, trace, site := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "trace"), chaltest.NewStateless(t)
	server := process.Start(t, traced(trace, data, binary, "serve", "--data", data, "--listen", "127.0.0.1:0",
		"--metrics-listen", "off", "--http01-port", strconv.Itoa(int(site.Port())))...)
	work := newLoad(t, server.Directory, server.Root, site)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { work.run(ctx); close(done) }()
	waitFor(t, "the load makes certificates", func() bool { return work.count() >= powerCertificates })
	cancel()
	<-done
	server.Kill()

	acts := readTrace(t, trace)
	var result cutResult
	for _, moment := range moments(acts, work.first()) {
		result.cut(t, acts, moment, work)
	}
	return result
}

// moments returns when the power goes: right before a sync begins, where the most is at stake, and at the very end.
func moments(acts []act, from time.Time) []time.Time {
	var all []time.Time
	for _, a := range acts {
		if a.kind == "sync" && a.start.After(from) {
			all = append(all, a.start)
		}
	}
	var chosen []time.Time
	for i := 0; i < len(all); i += 1 + len(all)/powerCuts {
		chosen = append(chosen, all[i])
	}
	return append(chosen, acts[len(acts)-1].end.Add(time.Millisecond))
}

// cut rebuilds the disk at a moment, twice: with nothing unsynced, and with half of it; and looks what is there.
func (r *cutResult) cut(t *testing.T, acts []act, moment time.Time, work *load) {
	t.Helper()
	random := rand.New(rand.NewPCG(uint64(moment.UnixNano()), 1))
	for _, survives := range []func() bool{func() bool { return false }, func() bool { return random.IntN(2) == 0 }} {
		folder := t.TempDir()
		powerCut(acts, moment, survives).put(t, folder)
		r.cuts++
		db, err := sqlite.Open(t.Context(), filepath.Join(folder, "everleaf.db"), sqlite.Options{})
		if err != nil {
			r.findings = append(r.findings, err.Error())
			r.lost += len(work.before(moment))
			continue
		}
		r.look(t, db, moment, work)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func (r *cutResult) look(t *testing.T, db *sqlite.DB, moment time.Time, work *load) {
	t.Helper()
	findings, err := db.Check(t.Context(), time.Now().Add(-time.Hour))
	if err != nil {
		findings = append(findings, err.Error())
	}
	r.findings = append(r.findings, findings...)
	for _, serial := range work.before(moment) {
		r.looked++
		if _, err := db.CertificateBySerial(t.Context(), "", serial); fault.Is(err, fault.NotFound) {
			r.lost++
		} else if err != nil {
			r.findings = append(r.findings, err.Error())
		}
	}
}
