package acme_test

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	pemType  = "application/pem-certificate-chain"
	derType  = "application/pkix-cert"
	pkcsType = "application/pkcs7-mime; smime-type=certs-only"
)

func TestDownload(t *testing.T) {
	h := newHouse(t, quick)
	c := h.account(t)
	got := c.issue("a.example.com")
	a := c.post(got.url, "").want(t, http.StatusOK)
	t.Run("CE-01 a chain in strict PEM, leaf first", func(t *testing.T) {
		if a.header.Get("Content-Type") != pemType {
			t.Errorf("header %v", a.header)
		}
		chain := decodePEM(t, a.body)
		var again bytes.Buffer
		for i, certificate := range chain {
			check(t, pem.Encode(&again, &pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw}))
			if i > 0 {
				check(t, chain[i-1].CheckSignatureFrom(certificate)) // CE-05
			}
		}
		if len(chain) != 2 || !bytes.Equal(again.Bytes(), a.body) {
			t.Errorf("%d certificates in %s", len(chain), a.body)
		}
	})
	t.Run("CE-03 alternates begin with the same leaf", func(t *testing.T) {
		others := a.links("alternate")
		if diff := cmp.Diff([]string{got.url + "/1"}, others); diff != "" {
			t.Fatal(diff)
		}
		b := c.post(others[0], "").want(t, http.StatusOK)
		chain := decodePEM(t, b.body)
		if len(chain) != 3 || !chain[0].Equal(got.leaf) || !cmp.Equal(b.links("alternate"), []string{got.url}) || len(b.links("index")) != 1 {
			t.Errorf("%d certificates, header %v", len(chain), b.header)
		}
		root := x509.NewCertPool()
		root.AddCert(chain[2])
		between := x509.NewCertPool()
		between.AddCert(chain[1])
		_, err := chain[0].Verify(x509.VerifyOptions{DNSName: "a.example.com", Roots: root, Intermediates: between, CurrentTime: h.Clock.Now()})
		check(t, err)
		h.get(others[0]).refused(t, http.StatusMethodNotAllowed, "malformed")
	})
	for _, path := range []string{"/0", "/2", "/01", "/-1", "/x", "/0/issuer/0", "/0/issuer/2", "/5/issuer/1", "/1/issuer/3", "/0/issuer/x"} {
		t.Run("CE-03 no chain at "+path, func(t *testing.T) {
			c.post(got.url+path, "").refused(t, http.StatusNotFound, "malformed")
		})
	}
	t.Run("CE-04 it reads the same later", func(t *testing.T) {
		h.Clock.Advance(time.Hour)
		if b := c.post(got.url, "").want(t, http.StatusOK); !bytes.Equal(a.body, b.body) {
			t.Error("it does not")
		}
	})
	t.Run("CE-04 another account", func(t *testing.T) {
		n := h.account(t)
		existing := n.post(got.url, "").refused(t, http.StatusNotFound, "malformed")
		missing := n.to("certificate/aaaaaaaaaaaaaaaaaaaa", "").refused(t, http.StatusNotFound, "malformed")
		if diff := cmp.Diff(existing, missing); diff != "" {
			t.Errorf("SC-01: the replies differ: %s", diff)
		}
	})
}

func TestFormatsCE02(t *testing.T) {
	h := newHouse(t, quick)
	c := h.account(t)
	got := c.issue("a.example.com")
	chain := decodePEM(t, c.post(got.url+"/1", "").want(t, http.StatusOK).body)
	for accept, want := range map[string]string{
		"": pemType, "*/*": pemType, "application/*": pemType, "text/html": pemType, "application/json": pemType,
		pemType: pemType, derType: derType, "application/pkcs7-mime": pkcsType, pemType + ";q=0.1, " + derType: derType,
	} {
		t.Run("CE-02 Accept "+accept, func(t *testing.T) {
			a := c.accepting(got.url, accept).want(t, http.StatusOK)
			if media := a.header.Get("Content-Type"); media != want || len(a.links("alternate")) != 1 {
				t.Errorf("header %v", a.header)
			}
		})
	}
	t.Run("CE-02 everything excluded", func(t *testing.T) {
		c.accepting(got.url, "*/*;q=0").refused(t, http.StatusNotAcceptable, "malformed")
	})
	t.Run("CE-02 DER and the way up", func(t *testing.T) {
		for number, depth := range []int{2, 3} {
			next := got.url
			if number > 0 {
				next += "/1"
			}
			for level := range depth {
				a := c.accepting(next, derType).want(t, http.StatusOK)
				if !bytes.Equal(a.body, chain[level].Raw) || a.header.Get("Content-Type") != derType {
					t.Errorf("chain %d level %d is another certificate", number, level)
				}
				up := a.links("up")
				if (len(up) == 1) != (level+1 < depth) {
					t.Fatalf("chain %d level %d: links up %v", number, level, up)
				}
				if len(up) == 1 {
					next = up[0]
				}
			}
		}
	})
	t.Run("CE-02 PKCS #7 holds the chain", func(t *testing.T) {
		var info struct {
			Type   asn1.ObjectIdentifier
			Signed struct {
				Version      int
				Digests      []asn1.RawValue `asn1:"set"`
				Content      struct{ Type asn1.ObjectIdentifier }
				Certificates []asn1.RawValue `asn1:"set,tag:0"`
				Signers      []asn1.RawValue `asn1:"set"`
			} `asn1:"explicit,tag:0"`
		}
		rest, err := asn1.Unmarshal(c.accepting(got.url, "application/pkcs7-mime").want(t, http.StatusOK).body, &info)
		check(t, err)
		s := info.Signed
		if len(rest) != 0 || info.Type.String() != "1.2.840.113549.1.7.2" || s.Version != 1 || s.Content.Type.String() != "1.2.840.113549.1.7.1" ||
			len(s.Digests)+len(s.Signers) != 0 || len(s.Certificates) != 2 {
			t.Fatalf("%+v", info)
		}
		for i, raw := range s.Certificates {
			if !bytes.Equal(raw.FullBytes, chain[i].Raw) {
				t.Errorf("certificate %d is another one", i)
			}
		}
	})
}

func TestRevocation(t *testing.T) {
	h := newHouse(t, quick)
	c := h.account(t)
	t.Run("V-01 V-03 by the account that ordered it", func(t *testing.T) {
		got := c.issue("a.example.com")
		a := c.to("revoke-cert", revocation(got.leaf.Raw, 4)).want(t, http.StatusOK)
		if len(a.body) != 0 || a.header.Get("Content-Length") != "0" || a.header.Get("Content-Type") != "" {
			t.Errorf("header %v, body %q", a.header, a.body)
		}
		c.to("revoke-cert", revocation(got.leaf.Raw, 4)).refused(t, http.StatusBadRequest, "alreadyRevoked") // V-04
		c.post(got.url, "").want(t, http.StatusOK)
	})
	t.Run("V-06 without reason", func(t *testing.T) {
		c.to("revoke-cert", `{"certificate":"`+encode(c.issue("a.example.com").leaf.Raw)+`"}`).want(t, http.StatusOK)
	})
	t.Run("V-01 by an account that holds authorizations for all names", func(t *testing.T) {
		got := c.issue("b.example.com", "c.example.com")
		n := h.account(t)
		n.to("revoke-cert", revocation(got.leaf.Raw, 0)).refused(t, http.StatusForbidden, "unauthorized")
		n.ready("b.example.com")
		n.to("revoke-cert", revocation(got.leaf.Raw, 0)).refused(t, http.StatusForbidden, "unauthorized") // V-02
		_, o := n.ready("c.example.com")
		n.post(o.Authorizations[0], `{"status":"deactivated"}`).want(t, http.StatusOK)
		n.to("revoke-cert", revocation(got.leaf.Raw, 0)).refused(t, http.StatusForbidden, "unauthorized") // V-02
		n.ready("c.example.com")
		n.to("revoke-cert", revocation(got.leaf.Raw, 0)).want(t, http.StatusOK)
	})
	t.Run("V-02 a wildcard by an authorization for its base", func(t *testing.T) {
		got := c.issue("*.w.example.com")
		n := h.account(t)
		n.ready("w.example.com")
		n.to("revoke-cert", revocation(got.leaf.Raw, 0)).refused(t, http.StatusForbidden, "unauthorized")
	})
	t.Run("V-01 V-08 by the key of the certificate, without account", func(t *testing.T) {
		c.issue("d.example.com").revoke(t, h, 1).want(t, http.StatusOK)
	})
	t.Run("V-08 nonce and url count there too", func(t *testing.T) {
		got := c.issue("d.example.com")
		holder := &client{t: t, h: h, key: got.key}
		header := part{"alg": "ES256", "jwk": jwkOf(t, got.key), "nonce": h.nonces.Issue(), "url": at("revoke-cert")}
		body := revocation(got.leaf.Raw, 0)
		h.post(at("revoke-cert"), []byte(holder.handmade(header.with("url", at("new-order")).text(), body).text())).refused(t, http.StatusForbidden, "unauthorized")
		h.post(at("revoke-cert"), []byte(holder.handmade(header.text(), body).text())).refused(t, http.StatusBadRequest, "badNonce")
	})
	t.Run("V-01 by another key", func(t *testing.T) {
		got := c.issue("e.example.com")
		got.key = newKey(t)
		got.revoke(t, h, 0).refused(t, http.StatusForbidden, "unauthorized")
	})
	t.Run("V-09 a compromised key is blocked", func(t *testing.T) {
		got := c.issue("f.example.com")
		got.revoke(t, h, 1).want(t, http.StatusOK)
		n := h.client(t)
		n.key = got.key
		n.jwk(at("new-account"), "{}").refused(t, http.StatusBadRequest, "badPublicKey")
		_, o := c.ready("f.example.com")
		c.post(o.Finalize, finalizeWith(t, got.key, "f.example.com")).refused(t, http.StatusBadRequest, "badCSR")
	})
}

func TestRevocationRefusals(t *testing.T) {
	h := newHouse(t, quick)
	h.connect(t, "second", nil)
	c := h.account(t)
	got := c.issue("a.example.com")
	altered := bytes.Clone(got.leaf.Raw)
	altered[len(altered)-1]++
	self, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: got.leaf.SerialNumber}, &x509.Certificate{SerialNumber: big.NewInt(1)}, got.key.Public(), got.key)
	check(t, err)
	tests := []struct {
		name, payload, kind string
		status              int
	}{
		{"V-05 reason 7", revocation(got.leaf.Raw, 7), "badRevocationReason", 400},
		{"V-05 reason 11", revocation(got.leaf.Raw, 11), "badRevocationReason", 400},
		{"V-05 reason -1", revocation(got.leaf.Raw, -1), "badRevocationReason", 400},
		{"V-05 reason 2", revocation(got.leaf.Raw, 2), "badRevocationReason", 400},
		{"V-05 reason 6", revocation(got.leaf.Raw, 6), "badRevocationReason", 400},
		{"V-05 reason 8", revocation(got.leaf.Raw, 8), "badRevocationReason", 400},
		{"V-05 reason 9", revocation(got.leaf.Raw, 9), "badRevocationReason", 400},
		{"V-05 reason 10", revocation(got.leaf.Raw, 10), "badRevocationReason", 400},
		{"V-05 reason 1.5", `{"certificate":"` + encode(got.leaf.Raw) + `","reason":1.5}`, "badRevocationReason", 400},
		{"V-05 reason as text", `{"certificate":"` + encode(got.leaf.Raw) + `","reason":"1"}`, "badRevocationReason", 400},
		{"V-07 garbage", revocation([]byte("x"), 0), "malformed", 400},
		{"V-07 trailing octets", revocation(append(bytes.Clone(got.leaf.Raw), 0), 0), "malformed", 400},
		{"V-07 altered DER", revocation(altered, 0), "malformed", 404},
		{"V-07 a foreign certificate of the same serial", revocation(self, 0), "malformed", 404},
		{"no certificate", `{"reason":0}`, "malformed", 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { c.to("revoke-cert", tt.payload).refused(t, tt.status, tt.kind) })
	}
	t.Run("V-07 at another connector", func(t *testing.T) {
		holder := &client{t: t, h: h, key: got.key}
		holder.jwk(base+"/acme/second/revoke-cert", revocation(got.leaf.Raw, 0)).refused(t, http.StatusNotFound, "malformed")
	})
	t.Run("nothing was revoked", func(t *testing.T) { c.to("revoke-cert", revocation(got.leaf.Raw, 0)).want(t, http.StatusOK) })
}

func TestParallelRevocationV04(t *testing.T) {
	h := newHouse(t, quick)
	c := h.account(t)
	payload := revocation(c.issue("a.example.com").leaf.Raw, 0)
	var revoked atomic.Int64
	var wait sync.WaitGroup
	for range 10 {
		wait.Go(func() {
			if a := c.to("revoke-cert", payload); a.status == http.StatusOK {
				revoked.Add(1)
			} else {
				a.refused(t, http.StatusBadRequest, "alreadyRevoked")
			}
		})
	}
	wait.Wait()
	if revoked.Load() != 1 {
		t.Errorf("V-04: %d requests revoked it", revoked.Load())
	}
}
