package bench

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// list is a list as a client gets it.
type list struct {
	octets int
	named  map[pki.Serial]bool
}

func named(lists []list) (n int) {
	for _, one := range lists {
		n += len(one.named)
	}
	return n
}

// lists waits until the lists name so many certificates together, and returns them.
func (h *certifier) lists(t testing.TB, urls []string, want int) (lists []list) {
	t.Helper()
	for began := time.Now(); named(lists) != want; pause(t) {
		if time.Since(began) > listsLimit {
			t.Fatalf("the lists name %d certificates, want %d", named(lists), want)
		}
		lists = nil
		for _, url := range urls {
			lists = append(lists, h.list(t, url))
		}
	}
	return lists
}

// list fetches a list and verifies it, with the URL in it.
func (h *certifier) list(t testing.TB, url string) list {
	t.Helper()
	der := fetch(t, url)
	if der == nil {
		return list{}
	}
	parsed, err := x509.ParseRevocationList(der)
	must(t, err)
	must(t, parsed.CheckSignatureFrom(h.issuer))
	if !bytes.Contains(parsed.RawTBSRevocationList, []byte(url)) {
		t.Errorf("the list at %s does not name its URL", url)
	}
	one := list{octets: len(der), named: map[pki.Serial]bool{}}
	for _, e := range parsed.RevokedCertificateEntries {
		one.named[pki.SerialOf(e.SerialNumber)] = true
	}
	return one
}

// fetch returns what is at a URL; nil while there is nothing.
func fetch(t testing.TB, url string) []byte {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	must(t, err)
	response, err := http.DefaultClient.Do(request)
	must(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	must(t, err)
	if response.StatusCode == http.StatusNotFound {
		return nil
	}
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", url, response.Status)
	}
	return body
}

// waitListed waits until each certificate is on the list of its shard, and returns when the last was.
func (h *certifier) waitListed(t testing.TB, limit time.Duration, revoked ...pki.Certificate) time.Time {
	t.Helper()
	began := time.Now()
	for _, c := range revoked {
		url := pki.ShardURL(h.server.PublicURL, c.Issuer, c.Shard)
		for !h.list(t, url).named[c.Serial] {
			if time.Since(began) > limit {
				t.Fatalf("after %s the list %s lacks a revocation", time.Since(began), url)
			}
			pause(t)
		}
	}
	return time.Now()
}

// waitTold waits until OCSP tells of a revocation, and returns how long after its answer that was.
func (h *certifier) waitTold(t testing.TB, c pki.Certificate, revoked time.Time) time.Duration {
	t.Helper()
	request, err := ocsp.CreateRequest(&x509.Certificate{SerialNumber: c.Serial.Int()}, h.issuer, &ocsp.RequestOptions{Hash: crypto.SHA256})
	must(t, err)
	for {
		response, err := http.Post(pki.OCSPURL(h.server.PublicURL, c.Issuer), "application/ocsp-request", bytes.NewReader(request))
		must(t, err)
		body, err := io.ReadAll(response.Body)
		must(t, errors.Join(err, response.Body.Close()))
		said, err := ocsp.ParseResponse(body, h.issuer)
		must(t, err)
		took := time.Since(revoked)
		if said.Status == ocsp.Revoked {
			return took.Round(100 * time.Microsecond)
		}
		if took > ocspLimit {
			t.Fatalf("OCSP does not tell of a revocation after %s", took)
		}
		pause(t)
	}
}

// pause lets the server work before it is asked again.
func pause(t testing.TB) {
	t.Helper()
	select {
	case <-t.Context().Done():
		t.Fatal(t.Context().Err())
	case <-time.After(20 * time.Millisecond):
	}
}
