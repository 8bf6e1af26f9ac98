package acme_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/core/ari"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/wire"
)

// renewalID is what RFC 9773 section 4.1 calls the certificate.
func (i issued) renewalID() string {
	return ari.ID{Authority: i.leaf.AuthorityKeyId, Serial: pki.SerialOf(i.leaf.SerialNumber)}.String()
}

// information fetches what anyone is told of a certificate.
func (h *house) information(t *testing.T, id string) (answer, wire.RenewalInfo) {
	t.Helper()
	a := h.get(at("renewal-info/"+id)).want(t, http.StatusOK)
	return a, read[wire.RenewalInfo](t, a)
}

func TestRenewalInfo(t *testing.T) {
	h := newHouse(t, quick)
	got := h.account(t).issue("a.example.com")
	url := at("renewal-info/" + got.renewalID())
	a, info := h.information(t, got.renewalID())
	start, end := time.Time(info.SuggestedWindow.Start), time.Time(info.SuggestedWindow.End)
	t.Run("AR-01 AR-02 a window", func(t *testing.T) {
		if !end.After(start) || start.Before(got.leaf.NotBefore.AddDate(0, 0, 45)) || end.After(got.leaf.NotAfter.AddDate(0, 0, -18)) {
			t.Errorf("from %v to %v", start, end)
		}
		if a.header.Get("Retry-After") != "21600" || a.header.Get("Content-Type") != "application/json" || strings.Contains(string(a.body), "explanationURL") {
			t.Errorf("%v %s", a.header, a.body)
		}
	})
	t.Run("AR-06 a reply that caches may keep", func(t *testing.T) {
		if !cmp.Equal(a.header.Values("Cache-Control"), []string{"public, max-age=3600"}) || len(a.header.Values("Replay-Nonce")) != 0 || a.header.Get("Vary") != "" {
			t.Errorf("header %v", a.header)
		}
		if a.header.Get("Access-Control-Allow-Origin") != "*" || len(a.links("index")) != 1 {
			t.Errorf("header %v", a.header)
		}
	})
	t.Run("AR-06 queries change nothing", func(t *testing.T) {
		if other := h.get(url+"?x=1&y").want(t, http.StatusOK); string(other.body) != string(a.body) {
			t.Errorf("%s, without the query %s", other.body, a.body)
		}
	})
	t.Run("AR-06 nothing is written", func(t *testing.T) {
		before, err := h.Store.Events(t.Context(), "", "", 1000)
		check(t, err)
		for range 10 {
			h.information(t, got.renewalID())
		}
		after, err := h.Store.Events(t.Context(), "", "", 1000)
		check(t, err)
		if !cmp.Equal(before, after) {
			t.Errorf("%d events, then %d", len(before), len(after))
		}
	})
	t.Run("HEAD", func(t *testing.T) {
		if head := h.send(http.MethodHead, url, nil, nil).want(t, http.StatusOK); head.header.Get("Retry-After") != "21600" {
			t.Errorf("header %v", head.header)
		}
	})
	t.Run("T-03 no POST", func(t *testing.T) {
		refusal := h.account(t).post(url, "")
		refusal.refused(t, http.StatusMethodNotAllowed, "malformed")
		if refusal.header.Get("Allow") != "GET, HEAD, OPTIONS" {
			t.Errorf("T-06: Allow %q", refusal.header.Get("Allow"))
		}
	})
	t.Run("AR-03 revoked", func(t *testing.T) {
		got.revoke(t, h, 1).want(t, http.StatusOK)
		h.Clock.Advance(time.Minute)
		_, info := h.information(t, got.renewalID())
		start, end := time.Time(info.SuggestedWindow.Start), time.Time(info.SuggestedWindow.End)
		if !end.Before(h.Clock.Now()) || !start.Before(end) {
			t.Errorf("from %v to %v", start, end)
		}
	})
}

func TestRenewalInfoOfNoCertificate(t *testing.T) {
	h := newHouse(t, quick)
	h.connect(t, "second", nil)
	got := h.account(t).issue("a.example.com")
	id := got.renewalID()
	authority, serial, _ := strings.Cut(id, ".")
	for what, id := range map[string]string{
		"one part": authority, "padded": id + "=", "no base64url": "!." + serial, "a part too many": id + ".AQ", "of a stranger's making": "x",
	} {
		t.Run("AR-03 malformed: "+what, func(t *testing.T) {
			h.get(at("renewal-info/"+id)).refused(t, http.StatusBadRequest, "malformed")
		})
	}
	for what, url := range map[string]string{
		"another serial number": at("renewal-info/" + authority + ".AQ"),
		"another authority":     at("renewal-info/AQ." + serial),
		"another connector":     base + "/acme/second/renewal-info/" + id,
		"no id":                 at("renewal-info/"),
		"more after the id":     at("renewal-info/" + id + "/"),
	} {
		t.Run("AR-03 unknown: "+what, func(t *testing.T) {
			h.get(url).refused(t, http.StatusNotFound, "malformed")
		})
	}
}

// replacing writes a newOrder request that replaces a certificate.
func replacing(id string, names ...string) string {
	var order map[string]any
	_ = json.Unmarshal([]byte(orderOf(names...)), &order)
	order["replaces"] = id
	text, _ := json.Marshal(order)
	return string(text)
}

func TestReplaces(t *testing.T) {
	h := newHouse(t, quick)
	h.connect(t, "second", nil)
	c := h.account(t)
	first := c.issue("a.example.com", "b.example.com")
	id := first.renewalID()
	t.Run("AR-04 malformed", func(t *testing.T) {
		c.to("new-order", replacing(id+"=", "a.example.com")).refused(t, http.StatusBadRequest, "malformed")
	})
	t.Run("AR-04 unknown", func(t *testing.T) {
		authority, _, _ := strings.Cut(id, ".")
		c.to("new-order", replacing(authority+".AQ", "a.example.com")).refused(t, http.StatusNotFound, "malformed")
	})
	t.Run("AR-04 another connector's", func(t *testing.T) {
		h.client(t).of("second").register().to("new-order", replacing(id, "a.example.com")).refused(t, http.StatusNotFound, "malformed")
	})
	t.Run("AR-04 INC-76 INC-113 another account's", func(t *testing.T) {
		h.account(t).to("new-order", replacing(id, "a.example.com")).refused(t, http.StatusForbidden, "unauthorized")
	})
	t.Run("AR-04 no identifier in common", func(t *testing.T) {
		c.to("new-order", replacing(id, "c.example.com", "*.a.example.com")).refused(t, http.StatusBadRequest, "malformed")
	})
	t.Run("AR-04 AR-05 accepted, and no second one", func(t *testing.T) {
		a := c.to("new-order", replacing(id, "a.example.com", "c.example.com")).want(t, http.StatusCreated)
		url := a.header.Get("Location")
		o := read[wire.Order](t, a)
		again := read[wire.Order](t, c.post(url, "").want(t, http.StatusOK))
		if o.Replaces != id || again.Replaces != id || again.Profile != "default" {
			t.Errorf("PR-02: replaces %q, then %q, with the profile %q", o.Replaces, again.Replaces, again.Profile)
		}
		c.to("new-order", replacing(id, "a.example.com")).refused(t, http.StatusConflict, "alreadyReplaced")
		c.to("new-order", orderOf("a.example.com")).want(t, http.StatusCreated)

		c.prove(o)
		o = read[wire.Order](t, c.post(o.Finalize, finalizeWith(t, newKey(t), "a.example.com", "c.example.com")).want(t, http.StatusOK))
		if o.Status != "valid" || o.Replaces != id {
			t.Fatalf("the order is %s and replaces %q", o.Status, o.Replaces)
		}
		c.to("new-order", replacing(id, "a.example.com")).refused(t, http.StatusConflict, "alreadyReplaced")
		successor := decodePEM(t, c.post(o.Certificate, "").want(t, http.StatusOK).body)[0]
		c.to("new-order", replacing(issued{leaf: successor}.renewalID(), "c.example.com")).want(t, http.StatusCreated)
	})
}

func TestReplacesAgain(t *testing.T) {
	h := newHouse(t, quick)
	c := h.account(t)
	id := c.issue("a.example.com").renewalID()
	t.Run("AR-05 an order that became invalid lets go", func(t *testing.T) {
		o := read[wire.Order](t, c.to("new-order", replacing(id, "a.example.com", "b.example.com")).want(t, http.StatusCreated))
		c.to("new-order", replacing(id, "a.example.com")).refused(t, http.StatusConflict, "alreadyReplaced")
		for _, authorization := range o.Authorizations {
			c.post(authorization, `{"status":"deactivated"}`).want(t, http.StatusOK)
		}
		c.to("new-order", replacing(id, "a.example.com")).want(t, http.StatusCreated)
	})
	t.Run("AR-05 of parallel orders one wins", func(t *testing.T) {
		h.Clock.Advance(25 * time.Hour) // the one before lapses
		var mu sync.Mutex
		statuses := map[int]int{}
		var wait sync.WaitGroup
		for range 20 {
			wait.Go(func() {
				a := c.to("new-order", replacing(id, "a.example.com"))
				mu.Lock()
				defer mu.Unlock()
				statuses[a.status]++
			})
		}
		wait.Wait()
		if !cmp.Equal(statuses, map[int]int{201: 1, 409: 19}) {
			t.Errorf("%v", statuses)
		}
	})
}
