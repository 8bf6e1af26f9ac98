package sqlite

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/ari"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/limit"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/span"
	"github.com/everleaf-pki/everleaf/internal/store/query"
	"github.com/everleaf-pki/everleaf/internal/store/storetest"
)

// small are the tables that stay small, which may be read from end to end.
var small = []string{
	"organisations", "issuers", "i", "crl_shards", "s", "profiles", "v", "connectors", "credentials", "pulse", "named",
	"pragma_freelist_count", "pragma_page_count", "(subquery-1)", // a count up to a bound
}

// Every statement finds its rows by an index: none gets slower while the store grows.
func TestStatementsUseIndexes(t *testing.T) {
	db := openTest(t, Options{Readers: 1})
	w := storetest.NewWorld(t, db)
	callEverything(t, w)
	reader, err := db.acquire(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { db.readers <- reader }()
	texts := slices.Concat(slices.Collect(maps.Keys(reader.statements)), slices.Collect(maps.Keys(db.writer.conn.statements)))
	if len(texts) < 80 {
		t.Errorf("only %d statements were seen", len(texts))
	}
	for _, text := range texts {
		for _, step := range plan(t, db, text) {
			if slices.Contains(undate(), text) && strings.HasSuffix(step, "authorizations_valid") {
				continue // rare, and it reads what it changes
			}
			words := strings.Fields(step)
			if words[0] == "SCAN" && !slices.Contains(small, words[1]) && !strings.Contains(step, "CONSTANT ROW") {
				t.Errorf("%s\n%s", step, text)
			}
		}
	}
}

func plan(t *testing.T, db *DB, text string) (steps []string) {
	t.Helper()
	switch verb, _, _ := strings.Cut(text, " "); verb {
	case "SELECT", "INSERT", "UPDATE", "DELETE":
	default:
		return nil
	}
	rows, err := db.writing.Query("EXPLAIN QUERY PLAN "+text, make([]any, strings.Count(text, "?"))...)
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return steps
}

// callEverything calls every method whose statements read tables that grow.
func callEverything(t *testing.T, w *storetest.World) {
	t.Helper()
	ctx, db, noon := context.Background(), w.Store, storetest.Noon
	account := w.NewAccount()
	c := w.Issue(account.ID, "example.com")
	_, pending := w.NewOrder(account.ID, "a.example.com", "b.example.com")
	_, _ = db.Respond(ctx, pending[0].ID, acme.HTTP01, "x", noon)
	i, _ := w.Intent(w.NewReadyOrder(account.ID, "example.com"))
	w.Begin(i)
	_ = db.AbandonIssuance(ctx, i.ID, acme.Failure{}, w.Event(event.OrderFailed, i.Order))
	_, _ = db.Revoke(ctx, c.ID, noon, pki.Superseded, true, w.Event(event.CertificateRevoked, c.ID))
	_, _ = db.Revoke(ctx, c.ID, noon, pki.KeyCompromise, true, w.Event(event.CertificateRevoked, c.ID))
	_ = db.SaveCRL(ctx, pki.CRL{Issuer: w.Issuer.ID, Shard: w.Issuer.Shard, Number: 1, DER: []byte("x")}, time.Time{}, 1, w.Event(event.CRLPublished, "x"))
	_, _ = db.SetContacts(ctx, account.ID, nil, w.Event(event.AccountUpdated, account.ID))
	_, _ = db.ChangeKey(ctx, account.ID, account.Key.Thumbprint(), w.NewKey(), w.Event(event.AccountKeyChanged, account.ID))
	charge := limit.Charge{Key: limit.Key{Kind: limit.OrdersPerAccount, Subject: "x"}, Rate: limit.Rate{Count: 1, Period: span.Day}}
	o, created := w.Order(account.ID, "limited.example.com")
	_ = db.CreateOrder(ctx, o, created, w.Event(event.OrderCreated, o.ID), charge)
	_ = db.ResetLevel(ctx, w.Connector.ID, charge.Key, w.Event(event.LimitReset, "x"))
	_, _ = db.EndAccount(ctx, account.ID, acme.Deactivated, w.Event(event.AccountDeactivated, account.ID))
	_ = db.AcceptClock(ctx, w.Event(event.ClockAccepted, ""))
	_, _ = db.LastEvent(ctx)
	_, _ = db.Trim(ctx, noon.AddDate(10, 0, 0), 100)
	_ = db.Ping(ctx)

	_, _ = db.AccountByKey(ctx, w.Connector.ID, "x")
	_, _ = db.KeyHasAccount(ctx, "x")
	_, _ = db.Levels(ctx, "x", "", noon, 10)
	_, _ = db.Level(ctx, "x", charge.Key)
	_, _, _ = db.Order(ctx, "x")
	_, _, _ = db.OrderIDs(ctx, "x", "", 10, noon)
	_, _ = db.Authorization(ctx, "x")
	_, _ = db.Reusable(ctx, "x", w.Names("example.com", "example.org"), noon, noon)
	_, _ = db.Unfinished(ctx, noon, 10)
	_, _ = db.Intents(ctx, noon, "", 10)
	_, _ = db.Entries(ctx, w.Issuer.ID, 1, noon)
	_, _ = db.Standing(ctx, w.Issuer.ID, c.Serial)
	_, _ = db.CRL(ctx, w.Issuer.ID, 1)
	_, _ = db.CRLsDue(ctx, noon)
	_, _ = db.KeyBlocked(ctx, c.KeyHash)
	_, _ = db.KeyHasCertificate(ctx, c.KeyHash)
	_, _ = db.Demand(ctx, "x")
	_, _ = db.OpenDemands(ctx)
	_, _ = db.IssuesFor(ctx, "x")
	_, _ = db.Unrevoked(ctx, "x", c, noon, 10)
	_, _ = db.RevokeDemanded(ctx, "x", nil)
	_ = db.EndDemand(ctx, "x", w.Event(event.CredentialCleared, "x"))
	_, _ = db.Compromised(ctx, noon, 10)
	for _, x := range []string{"", "x"} {
		_, _ = db.Accounts(ctx, x, "", 10)
		_, _ = db.ListOrders(ctx, x, "", 10)
		_, _ = db.Events(ctx, x, "", 10)
		_, _ = db.CertificateBySerial(ctx, x, c.Serial)
		_, _ = db.Credentials(ctx, x)
		_, _ = db.Profiles(ctx, x)
	}
	o, more := w.Order(account.ID, "example.com")
	o.Replaces, o.Account = c.ID, w.NewAccount().ID
	more[0].Account = o.Account
	_ = db.CreateOrder(ctx, o, more, w.Event(event.OrderCreated, o.ID))
	_ = db.CreateOverride(ctx, ari.Override{ID: w.ID()}, 10, w.Event(event.RenewalOverridden, "x"))
	_, _ = db.EndOverride(ctx, "x", noon, w.Event(event.RenewalRestored, "x"))
	_, _ = db.CountCertificates(ctx, pki.Filter{}, 10)
	for _, ended := range []bool{false, true} {
		_, _ = db.Overrides(ctx, ended)
	}
	for _, f := range []pki.Filter{
		{},
		{Replaces: "x"},
		{Profile: "x"},
		{Issuers: []string{"x"}},
		{IssuedBefore: noon, IssuedAfter: noon},
		{Name: "a"},
		{Name: ".a"},
		{Account: "x"},
		{Credential: "x"},
		{Connector: "x"},
		{Order: "x"},
		{KeyHash: c.KeyHash},
		{Revoked: true},
		{ExpiresBefore: noon},
		{ExpiresAfter: noon},
		{ExpiresAfter: noon, ExpiresBefore: noon.Add(time.Hour)},
	} {
		_, _ = db.FindCertificates(ctx, f)
	}
}

// What runs again and again costs by what it finds, not by what is stored.
func TestWorkPlans(t *testing.T) {
	db := openTest(t, Options{})
	ctx, noon := context.Background(), storetest.Noon
	read := func(run func(query.Querier)) string {
		var r recorder
		run(&r)
		return r.text
	}
	cases := []struct {
		statement string
		steps     []string
	}{
		{
			read(func(q query.Querier) { _, _ = query.Compromised(ctx, q, noon, 1) }),
			[]string{"INDEX blocked_keys_open (open>?)", "INDEX certificates_key (<expr>=? AND revoked=? AND not_after>?)"},
		},
		{watchKey, []string{"PRIMARY KEY (key_hash=?)", "INDEX certificates_key (<expr>=? AND revoked=?)"}},
		{
			read(func(q query.Querier) { _, _ = query.IssuesFor(ctx, q, "x") }),
			[]string{"INDEX sqlite_autoindex_intents_1 (abandoned=?)", "SEARCH a USING PRIMARY KEY (id=?)"},
		},
		{
			read(func(q query.Querier) { _, _, _ = query.AccountStanding(ctx, q, "x", noon) }),
			[]string{"SEARCH a USING PRIMARY KEY (id=?)", "SEARCH c USING PRIMARY KEY (id=?)"},
		},
		{
			read(func(q query.Querier) { _, _ = query.Intents(ctx, q, noon, "", 1) }),
			[]string{"INDEX sqlite_autoindex_intents_1 (abandoned=? AND id>?)"},
		},
		{
			read(func(q query.Querier) { _, _ = query.KeyHasCertificate(ctx, q, pki.KeyHash{}) }),
			[]string{"INDEX certificates_key (<expr>=?)", "INDEX sqlite_autoindex_intents_1 (abandoned=?)", "INDEX intents_key (key_hash=?)"},
		},
		{
			read(func(q query.Querier) { _, _, _ = query.Order(ctx, q, "x") }),
			[]string{"SEARCH o USING PRIMARY KEY (id=?)", "SEARCH a USING PRIMARY KEY (id=?)"},
		},
		{
			read(func(q query.Querier) { _, _ = query.Orders(ctx, q, "", "", 1) }),
			[]string{"SEARCH o USING PRIMARY KEY (id<?)", "SEARCH a USING PRIMARY KEY (id=?)"},
		},
		{
			read(func(q query.Querier) { _, _, _ = query.OrderIDs(ctx, q, "x", "", 1, noon) }),
			[]string{"SEARCH o USING INDEX orders_account (account=? AND id<?)", "SEARCH a USING PRIMARY KEY (id=?)"},
		},
		{
			read(func(q query.Querier) { _, _ = query.LastEvent(ctx, q) }),
			[]string{"INDEX events_clock (clock>?)", "SEARCH events USING PRIMARY KEY (id<?)"},
		},
		{insertEvent, []string{"INDEX events_clock (clock>?)"}},
		{
			read(func(q query.Querier) { _, _ = query.Replaced(ctx, q, "x", noon) }),
			[]string{"INDEX certificates_replaces (replaces=?)"},
		},
		{
			read(func(q query.Querier) { _, _ = query.Overrides(ctx, q, false) }),
			[]string{"INDEX renewal_overrides_in_force"},
		},
		{trimOrders, []string{"INDEX orders_ends (ends>? AND ends<?)"}},
		{trimAuthorizations, []string{"INDEX authorizations_unused (ends<?)"}},
		{trimIntents, []string{"INDEX intents_ends (not_after<?)"}},
		{trimEvents, []string{"INDEX events_routine (at<?)"}},
	}
	for _, test := range cases {
		found := strings.Join(plan(t, db, test.statement), "; ")
		for _, step := range test.steps {
			if !strings.Contains(found, step) {
				t.Errorf("%s\nis found by %s; want %s", test.statement, found, step)
			}
		}
		for _, slow := range []string{"SCAN e", "SCAN o", "SCAN a", "TEMP B-TREE"} {
			if strings.Contains(found, slow) {
				t.Errorf("%s\nis found by %s", test.statement, found)
			}
		}
	}
}

// recorder keeps the statement that a read would run.
type recorder struct{ text string }

func (r *recorder) Query(_ context.Context, text string, _ ...any) (*sql.Rows, error) {
	r.text = text
	return nil, sql.ErrNoRows
}

// Each way to search the inventory has its index.
func TestSearchPlans(t *testing.T) {
	db := openTest(t, Options{})
	noon := storetest.Noon
	const primary = "INDEX sqlite_autoindex_certificates_1"
	cases := []struct {
		filter  pki.Filter
		indexes []string
	}{
		{pki.Filter{}, []string{primary + " (id<?)"}},
		{pki.Filter{Name: "example.com"}, []string{primary + " (id=?)", "PRIMARY KEY (name=?)"}},
		{pki.Filter{Name: ".example.com"}, []string{primary + " (id=?)", "PRIMARY KEY (name>? AND name<?)"}},
		{pki.Filter{Account: "x"}, []string{"INDEX certificates_account (account=? AND id<?)"}},
		{pki.Filter{Credential: "x"}, []string{"INDEX accounts_credential (credential=?)", "INDEX certificates_account (account=?)"}},
		{pki.Filter{Order: "x"}, []string{"INDEX certificates_order (order_id=?)"}},
		{pki.Filter{KeyHash: pki.KeyHash{1}}, []string{"INDEX certificates_key (<expr>=?)"}},
		{pki.Filter{Revoked: true}, []string{"INDEX certificates_revoked (id<?)"}},
		{pki.Filter{ExpiresAfter: noon, ExpiresBefore: noon}, []string{"INDEX certificates_expiry (not_after>? AND not_after<?)"}},
	}
	for _, test := range cases {
		var r recorder
		_, _ = query.Certificates(context.Background(), &r, test.filter)
		found := strings.Join(plan(t, db, r.text), "; ")
		for _, index := range test.indexes {
			if !strings.Contains(found, index) {
				t.Errorf("%+v is found by %s; want %s", test.filter, found, index)
			}
		}
	}
}
