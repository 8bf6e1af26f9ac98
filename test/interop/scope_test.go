package interop

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/test/process"
)

// scoped is how a client asks for {NAME} with a credential, proved by http-01.
type scoped struct {
	webroot  bool   // a web server of its own stands in front, and serves {WEB}
	register string // the command that has been run before, where the client has one
	ask      string
}

func scopedClients() map[string]scoped {
	return map[string]scoped{
		"certbot":   {ask: certbotIssue + certbotTrial + ` --eab-kid {KID} --eab-hmac-key {HMAC}`},
		"lego 4.9":  {ask: lego4 + ` --eab --kid {KID} --hmac {HMAC}` + lego4HTTP + ` --domains {NAME} run`},
		"lego 5.6":  {ask: lego5 + ` run` + lego5Where + ` --accept-tos` + lego5HTTP + ` --domains {NAME} --eab --eab.kid {KID} --eab.hmac {HMAC}`},
		"uacme 1.7": {webroot: true, register: uacmeBind, ask: uacmeHTTP + ` issue {NAME}`},
	}
}

// TestScopes lets real clients meet the scope of a credential: outside it they print or log what a person needs to know, within it
// they get what they ask for, and what is pre-approved without anybody answering a challenge.
//
// Proves EAB-08, Z-04.
func TestScopes(t *testing.T) {
	demand(t, []string{"certbot", "lego", lego5Program, "uacme", "proot"})
	w := newWorld(t, process.Build(t))
	for client, how := range scopedClients() {
		name := strings.ReplaceAll(strings.ReplaceAll(client, " ", "-"), ".", "")
		t.Run(client, func(t *testing.T) {
			p := w.scoped(t, name, policy.Scope{Names: []string{"." + name + ".example"}, PreApproved: []string{".approved." + name + ".example"}})
			if how.webroot {
				p.serveWeb()
			}
			if how.register != "" {
				p.run([]string{how.register})
			}
			t.Run("refused", func(t *testing.T) {
				out, failed := p.ask(t, how.ask, "www.bad"+name+".example")
				for _, part := range []string{"www.bad" + name + ".example", "outside the scope of the credential", p.values["{KID}"], "ask the operator of the CA"} {
					if !failed || !strings.Contains(strings.Join(strings.Fields(out), " "), part) {
						t.Errorf("%q is not in what it prints:\n%s", part, out)
					}
				}
			})
			t.Run("allowed", func(t *testing.T) {
				p.mustIssue(t, how.ask, "www."+name+".example", false)
			})
			t.Run("pre-approved", func(t *testing.T) {
				p.values["{HTTP_PORT}"] = freePort(t) // where the server does not look: no challenge can be answered
				p.mustIssue(t, how.ask, "a.approved."+name+".example", true)
			})
		})
	}
}

// scoped makes a credential with a scope, and a place for its client.
func (w *world) scoped(t *testing.T, name string, scope policy.Scope) *place {
	t.Helper()
	made, err := w.admin.CreateCredential(t.Context(), adminapi.NewCredential{Name: name, Connector: boundConnector, Scope: scope})
	if err != nil {
		t.Fatal(err)
	}
	p := &place{T: t, world: w}
	p.values = p.valuesIn(t.TempDir())
	p.values["{KID}"], p.values["{HMAC}"] = made.KID, made.HMAC
	p.furnish()
	p.wantBinding()
	return p
}

// ask runs a client's command for a name, and returns what it told: what it printed, and its log if it keeps one. Certbot
// 2.1 on Python 3.11 fails while it reports an error of newOrder, whichever, and points to its log.
func (p *place) ask(t *testing.T, command, name string) (out string, failed bool) {
	t.Helper()
	p.values["{NAME}"] = name
	ctx, cancel := context.WithTimeout(t.Context(), commandLimit)
	defer cancel()
	text, err := p.command(ctx, command).CombinedOutput()
	log, _ := os.ReadFile(p.expand("{DIR}/log/letsencrypt.log")) // most clients have none
	return string(text) + string(log), err != nil
}

// mustIssue asks for a name, which must be certified; approved: by the word of the operator alone.
func (p *place) mustIssue(t *testing.T, command, name string, approved bool) {
	t.Helper()
	if out, failed := p.ask(t, command, name); failed {
		t.Fatalf("it failed:\n%s\n%s", out, p.log())
	}
	orders, err := p.admin.Orders(t.Context(), boundConnector, adminapi.Page{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	order, err := p.admin.Order(t.Context(), orders.Orders[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	a := order.Authorizations[0]
	attempts := 0
	for _, c := range a.Challenges {
		attempts += len(c.Attempts)
	}
	if order.Status != "valid" || a.Name != name || (a.Approval != nil) != approved || (attempts == 0) != approved {
		t.Errorf("the order of %s is %s, approved %+v after %d attempts", a.Name, order.Status, a.Approval, attempts)
	}
}
