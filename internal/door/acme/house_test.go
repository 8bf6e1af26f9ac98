package acme_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/policy"
	door "github.com/everleaf-pki/everleaf/internal/door/acme"
	"github.com/everleaf-pki/everleaf/internal/door/acme/nonce"
	"github.com/everleaf-pki/everleaf/internal/issue"
	"github.com/everleaf-pki/everleaf/internal/manage"
	"github.com/everleaf-pki/everleaf/internal/web"
	"github.com/everleaf-pki/everleaf/test/catest"
)

// house is the door to an installation.
type house struct {
	*catest.Installation
	door    http.Handler
	nonces  *nonce.Source
	manage  *manage.Service
	service *issue.Service
}

// quick is a wait in which every look of a test ends.
const quick = 5 * time.Second

// newHouse opens an installation with the connector "default". wait is how long a challenge reply waits for its outcome.
func newHouse(t testing.TB, wait time.Duration) *house {
	t.Helper()
	h := &house{Installation: catest.New(t, time.Now()), nonces: nonce.New(nonce.NewIdentity(0))}
	h.manage = h.Manage(h.Store)
	engines := h.Engines()
	h.service = h.Issue(t, engines, h.Options(wait))
	var err error
	h.door, err = door.New(h.service, door.Options{
		Web: web.Options{Log: engines.Log}, Nonces: h.nonces, OwnName: func(host string) bool { return host == "ca.test" || host == "::1" },
	})
	check(t, err)
	return h
}

// rules changes the rules of a connector.
func (h *house) rules(t testing.TB, connector string, change func(*policy.Rules)) {
	t.Helper()
	_, err := h.manage.SetRules(context.Background(), "test", connector, func(r *policy.Rules) error {
		change(r)
		return nil
	})
	check(t, err)
}

// connect adds a connector with rules changed by change; nil changes nothing.
func (h *house) connect(t testing.TB, name string, change func(*policy.Rules)) {
	t.Helper()
	_, err := h.manage.CreateConnector(context.Background(), "test", manage.NewConnector{Name: name}, nil)
	check(t, err)
	if change != nil {
		h.rules(t, name, change)
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	return key
}
