package interop

import (
	"testing"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/test/process"
)

// A watcher is a client that looks whether its certificate is revoked whenever it looks whether it is due.
type watcher struct {
	client client
	issue  cell
	look   string // the command that cron runs
}

// watchers returns certbot and uacme, which ask by OCSP, and lego, which asks for renewal information.
func watchers() []watcher {
	c, l, u := certbot(), legoFive(), uacme()
	return []watcher{
		{c, c.cells[standalone], `REQUESTS_CA_BUNDLE={ROOT} certbot renew --cert-name {NAME} [[--no-random-sleep-on-renew]]` + certbotTrial},
		{l, l.cells[standalone], l.cells[standalone].run[0] + ` [[--no-random-sleep]]`},
		{u, u.cells[webroot], u.cells[webroot].run[1]},
	}
}

// TestRevokedIsRenewed has the operator revoke certificates that are not due for long: their owners obtain others as soon as
// they look, and not before.
//
// Proves AR-03.
func TestRevokedIsRenewed(t *testing.T) {
	w := newWorld(t, process.Build(t))
	for _, c := range watchers() {
		t.Run(c.client.name, func(t *testing.T) {
			demand(t, c.client.needs)
			p := newPlace(t, w, c.client, row{operation: "revoked"})
			if c.issue.webroot {
				p.serveWeb()
			}
			p.run(c.issue.run)
			r := &result{place: p}
			r.remember()
			_ = p.command(t.Context(), c.look).Run() // uacme ends with 1 when there is nothing to do
			if r.look(); r.certificate.ID != r.before.ID {
				t.Fatal("it renews without a reason")
			}
			if _, err := w.admin.RevokeCertificate(t.Context(), r.certificate.ID, adminapi.Revocation{Reason: "superseded"}); err != nil {
				t.Fatal(err)
			}
			p.run([]string{c.look})
			r.look()
			r.isRenewed()
		})
	}
}
