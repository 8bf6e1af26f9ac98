// Package drill kills servers and cuts their power, and looks what is left.
package drill

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/store/sqlite"
	"github.com/everleaf-pki/everleaf/test/chaltest"
	"github.com/everleaf-pki/everleaf/test/process"
)

// kills is how often the server dies.
const kills = 20

// TestKill kills the server under load again and again. After each restart the store must be sound: no certificate
// without its record, no order with two, nothing stuck, and nothing lost that a client had been given.
// Proves O-19.
func TestKill(t *testing.T) {
	binary, data, site := process.Build(t), filepath.Join(t.TempDir(), "data"), chaltest.NewStateless(t)
	command := []string{binary, "serve", "--data", data, "--metrics-listen", "off", "--http01-port", strconv.Itoa(int(site.Port()))}
	server := process.Start(t, append(command, "--listen", "127.0.0.1:0")...)
	command = append(command, "--listen", server.Listen(), "--public-listen", "127.0.0.1:0")
	work := newLoad(t, server.Directory, server.Root, site)
	for round := 1; round <= kills; round++ {
		before := work.count()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { work.run(ctx); close(done) }()
		waitFor(t, "the load makes certificates", func() bool { return work.count() >= before+workers })
		time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond)
		server.Kill()
		cancel()
		<-done
		server = process.Start(t, command...)
		waitFor(t, "what was begun is finished", func() bool { return begun(t, data) == 0 })
		server.Kill()
		inspect(t, data, work.before(time.Now()))
		if t.Failed() {
			t.Fatalf("after kill %d, with %d certificates", round, work.count())
		}
		server = process.Start(t, command...)
	}
	t.Logf("%d kills, %d certificates acknowledged", kills, work.count())
}

// waitFor polls a condition that another process brings about.
func waitFor(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// begun counts the intents that are not finished, by a second reader of the live database.
func begun(t *testing.T, data string) int {
	t.Helper()
	db := open(t, data)
	defer db.Close() //nolint:errcheck // a reader
	intents, err := db.Intents(t.Context(), time.Now().Add(time.Hour), "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	return len(intents)
}

func open(t *testing.T, data string) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(data, "everleaf.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// inspect checks a store that no server holds, and that it has every acknowledged certificate.
func inspect(t *testing.T, data string, acknowledged []pki.Serial) {
	t.Helper()
	db := open(t, data)
	defer db.Close() //nolint:errcheck // nothing was written
	findings, err := db.Check(t.Context(), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if len(findings) > 0 {
		t.Errorf("findings:\n%s", strings.Join(findings, "\n"))
	}
	for _, serial := range acknowledged {
		c, err := db.CertificateBySerial(t.Context(), "", serial)
		if fault.Is(err, fault.NotFound) {
			t.Errorf("an acknowledged certificate is lost: %s", serial)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		order, parts, err := db.Order(t.Context(), c.Order)
		if err != nil || order.Status(parts, time.Now()) != acme.Valid || order.Certificate != c.ID {
			t.Errorf("the order of %s: %v", serial, err)
		}
	}
}
