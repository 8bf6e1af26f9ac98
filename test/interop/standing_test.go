package interop

import (
	ec "crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/app"
	"github.com/everleaf-pki/everleaf/internal/core/persist"
	"github.com/everleaf-pki/everleaf/test/acmetest"
	"github.com/everleaf-pki/everleaf/test/chaltest"
	"github.com/everleaf-pki/everleaf/test/process"
)

// zone is a server that offers what names the account in DNS, and the name server that it asks.
type zone struct {
	*testing.T
	*process.Server
	names *chaltest.DNS
	admin *adminapi.Client
}

// newZone starts the server with an external URL, under which clients reach it.
func newZone(t *testing.T, binary string, draft persist.Draft) *zone {
	t.Helper()
	z := &zone{T: t, names: chaltest.NewDNS(t)}
	data, port := filepath.Join(t.TempDir(), "data"), freePort(t)
	z.Server = process.Start(t, binary, "serve", "--data", data, "--listen", "127.0.0.1:"+port, "--external-url", "https://localhost:"+port,
		"--public-listen", "127.0.0.1:"+freePort(t), "--metrics-listen", "off", "--dns-resolver", z.names.Addr())
	cmd := exec.CommandContext(t.Context(), binary, "connector", "set", "default", "--data", data, "--subdomains", "wildcards",
		"--methods", "dns-01,dns-account-01,dns-persist-01", "--persist-draft", string(draft), "--persist-issuers", "ca.example")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	z.admin = adminapi.NewClient(adminapi.OverSocket(app.SocketPath(data)))
	return z
}

// record returns what the administration says is to be published.
func (z *zone) record(account, name, method string) adminapi.Record {
	z.Helper()
	found, err := z.admin.Records(z.Context(), account, name)
	if err != nil {
		z.Fatal(err)
	}
	for _, r := range found.Records {
		if r.Method == method {
			return r
		}
	}
	z.Fatalf("no %s among %+v", method, found)
	return adminapi.Record{}
}

// TestRecordsOfAccounts: names are proven over DNS by the records that "everleaf account records" prints.
// Proves DP-01, DP-02, DP-05, DP-09, DA-01, DA-02.
func TestRecordsOfAccounts(t *testing.T) {
	demand(t, []string{lego5Program})
	binary := process.Build(t)
	for _, draft := range persist.Drafts() {
		t.Run(string(draft), func(t *testing.T) {
			z := newZone(t, binary, draft)
			trusting, err := acmetest.Trusting(z.Root)
			if err != nil {
				t.Fatal(err)
			}
			defer trusting.CloseIdleConnections()
			one, other := z.register(trusting), z.register(trusting)
			z.persists(one, other)
			z.provesSideBySide(one, other)
			if draft == persist.Draft01 {
				z.lego()
			}
		})
	}
}

func (z *zone) register(trusting *http.Client) *acmetest.Client {
	z.Helper()
	c, err := acmetest.Register(z.Context(), trusting, z.Directory)
	if err != nil {
		z.Fatal(err)
	}
	return c
}

// order places an order, proves it by one method and finalizes it.
func (z *zone) order(c *acmetest.Client, method string, names ...string) error {
	z.Helper()
	order, err := c.NewOrder(z.Context(), names...)
	if err != nil {
		return err
	}
	if err := c.Prove(z.Context(), order, method); err != nil {
		return err
	}
	key, err := ec.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	_, err = c.Finalize(z.Context(), order, key, names...)
	return err
}

// persists proves a name and its wildcard by one record, for its account and no other, until the record is gone.
func (z *zone) persists(one, other *acmetest.Client) {
	z.Helper()
	const method = "dns-persist-01"
	r := z.record(path.Base(one.Account), "*.stay.test", method)
	z.names.SetTXT(r.Name, r.Value)
	if err := z.order(one, method, "stay.test", "*.stay.test"); err != nil {
		z.Errorf("by its record: %v", err)
	}
	if err := z.order(other, method, "stay.test"); err == nil {
		z.Error("the record proves the name for another account")
	}
	narrow := z.record(path.Base(one.Account), "narrow.test", method)
	z.names.SetTXT(narrow.Name, narrow.Value)
	if err := z.order(one, method, "*.narrow.test"); err == nil {
		z.Error("a record without policy=wildcard proves the wildcard")
	}
	z.names.SetTXT(r.Name, "gone")
	if err := z.order(one, method, "*.stay.test", "stay.test", "new.test"); err == nil {
		z.Error("a name is proven without a record")
	}
}

// provesSideBySide lets two accounts prove one name at once, each at its own label.
func (z *zone) provesSideBySide(clients ...*acmetest.Client) {
	z.Helper()
	const method, name = "dns-account-01", "both.test"
	for _, c := range clients {
		order, err := c.NewOrder(z.Context(), name)
		if err != nil {
			z.Fatal(err)
		}
		a, err := c.Authorization(z.Context(), order.Authorizations[0])
		if err != nil {
			z.Fatal(err)
		}
		for _, challenge := range a.Challenges {
			if challenge.Type == method {
				digest := sha256.Sum256([]byte(challenge.Token + "." + c.Thumbprint()))
				z.names.SetTXT(z.record(path.Base(c.Account), name, method).Name, base64.RawURLEncoding.EncodeToString(digest[:]))
			}
		}
		defer func() {
			if err := c.Prove(z.Context(), order, method); err != nil {
				z.Errorf("%s: %v", c.Account, err)
			}
		}()
	}
}

// lego obtains a certificate by a record that is there already.
func (z *zone) lego() {
	z.Helper()
	folder := z.TempDir()
	run := func(arguments string) {
		cmd := exec.CommandContext(z.Context(), lego5Program, strings.Fields(arguments+" --server "+z.Directory+" --email ops@example.com --accept-tos --path "+folder)...)
		cmd.Env = append(os.Environ(), "LEGO_CA_CERTIFICATES="+z.Root)
		if out, err := cmd.CombinedOutput(); err != nil {
			z.Fatalf("%s: %v\n%s\nthe server's log ends with:\n%s", cmd, err, out, z.Log())
		}
	}
	run("accounts register")
	found, err := z.admin.Accounts(z.Context(), "default", adminapi.Page{Limit: 1})
	if err != nil || len(found.Accounts) != 1 {
		z.Fatalf("%+v %v", found, err)
	}
	r := z.record(found.Accounts[0].ID, "*.lego.test", "dns-persist-01")
	z.names.SetTXT(r.Name, r.Value)
	run("run --dns-persist --dns-persist.resolvers " + z.names.Addr() +
		" --dns-persist.propagation.disable-ans --dns-persist.propagation.disable-rns --domains *.lego.test")
	if made, err := filepath.Glob(filepath.Join(folder, "certificates", "*lego.test.crt")); err != nil || len(made) != 1 {
		z.Errorf("lego made %v (%v)", made, err)
	}
}
