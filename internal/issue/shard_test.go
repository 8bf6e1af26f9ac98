package issue_test

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/issue"
)

// withSmallShards returns use cases whose shards take room certificates, with such a shard open.
func (h *house) withSmallShards(room int) *house {
	h.t.Helper()
	issuer := h.issuer()
	check(h.t, h.Store.OpenShard(h.t.Context(), issuer.ID, issuer.NextShard("http://pki.test"), room))
	small := *h
	small.issue = h.service(func(_ *issue.Engines, o *issue.Options) { o.ShardRoom = room })
	_, err := small.issue.PublishLists(h.t.Context())
	check(h.t, err)
	return &small
}

// issuer returns the one that signs leaves.
func (h *house) issuer() pki.Issuer {
	h.t.Helper()
	issuers, err := h.Store.Issuers(h.t.Context())
	check(h.t, err)
	return issuers[slices.IndexFunc(issuers, func(i pki.Issuer) bool { return !i.IsRoot() })]
}

// Many issuances at once fill shards to the brim and no further; each certificate names the list of its shard, which is there
// without a run of the job, and whose distribution point is the same octets. Proves BR-18, INC-31, INC-32, INC-41.
func TestShardsOpenInTime(t *testing.T) {
	const room, certificates = 8, 20
	h := newHouse(t).withSmallShards(room)
	r := h.requester()
	var orders []issue.OrderView
	for i := range certificates {
		orders = append(orders, h.ready(r, dns(fmt.Sprintf("n%d.example.com", i))))
	}
	var wait sync.WaitGroup
	for i, order := range orders {
		wait.Go(func() {
			if _, err := h.issue.Finalize(t.Context(), r, order.ID, request(t, newKey(t), fmt.Sprintf("n%d.example.com", i))); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	found, err := h.Store.FindCertificates(t.Context(), pki.Filter{Account: r.Account.ID})
	check(t, err)
	if len(found) != certificates {
		t.Fatalf("%d certificates, want %d", len(found), certificates)
	}
	members := map[int]int{}
	for _, c := range found {
		members[c.Shard]++
		h.wantListed(c)
	}
	if want := map[int]int{2: room, 3: room, 4: certificates - 2*room}; fmt.Sprint(members) != fmt.Sprint(want) {
		t.Errorf("the shards have %v certificates, want %v", members, want)
	}
}

// wantListed compares the place that a certificate names with the list that is there.
func (h *house) wantListed(c pki.Certificate) {
	h.t.Helper()
	list, err := h.issue.RevocationList(h.t.Context(), c.Issuer, c.Shard)
	check(h.t, err)
	parsed, err := x509.ParseRevocationList(list.DER)
	check(h.t, err)
	leaf, err := x509.ParseCertificate(c.DER)
	check(h.t, err)
	url := leaf.CRLDistributionPoints[0]
	if url != pki.ShardURL("http://pki.test", c.Issuer, c.Shard) {
		h.t.Errorf("certificate of shard %d names %s", c.Shard, url)
	}
	for _, e := range parsed.Extensions {
		if e.Id.String() == "2.5.29.28" && e.Critical && bytes.Contains(e.Value, []byte(url)) {
			return
		}
	}
	h.t.Errorf("the list of shard %d does not name %s", c.Shard, url)
}

// Only the list of the shard that a revocation touches is made again.
func TestARevocationTouchesOneList(t *testing.T) {
	h := newHouse(t).withSmallShards(1)
	r := h.requester()
	first, second := h.issued(r, newKey(t), "a.example.com"), h.issued(r, newKey(t), "b.example.com")
	_, err := h.issue.PublishLists(t.Context())
	check(t, err)
	before := h.numbers(first, second)
	h.Clock.Advance(time.Minute)
	check(t, h.byAccount(r, first.Certificate.DER, int(pki.Superseded)))
	if made, err := h.issue.PublishLists(t.Context()); made != 1 || err != nil {
		t.Errorf("%d lists were made: %v", made, err)
	}
	if after := h.numbers(first, second); after[0] != before[0]+1 || after[1] != before[1] {
		t.Errorf("the numbers went from %v to %v", before, after)
	}
}

func (h *house) numbers(of ...issue.Download) (numbers []int64) {
	h.t.Helper()
	for _, d := range of {
		list, err := h.issue.RevocationList(h.t.Context(), d.Certificate.Issuer, d.Certificate.Shard)
		check(h.t, err)
		numbers = append(numbers, list.Number)
	}
	return numbers
}
