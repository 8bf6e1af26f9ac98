package acme

import (
	"bytes"
	"context"
	"encoding/pem"
	"net/http"
	"strconv"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/wire"
	"github.com/everleaf-pki/everleaf/internal/issue"
	"github.com/everleaf-pki/everleaf/internal/web"
)

// certificate serves a certificate with one of its chains, in the form that the client asks for (RFC 8555 section 7.4.2).
func (d *door) certificate(ctx context.Context, r *request) (web.Reply, error) {
	download, chain, err := d.download(ctx, r)
	if err != nil {
		return web.Reply{}, err
	}
	media, ok := web.Negotiate(r.http.Header, wire.CertificatePEM, wire.CertificateDER, wire.CertificatePKCS7)
	if !ok {
		return web.Reply{}, web.Refuse(http.StatusNotAcceptable, "The certificate is offered as %s, %s and %s, and Accept excludes them all.",
			wire.CertificatePEM, wire.CertificateDER, wire.CertificatePKCS7)
	}
	additions := alternates(r, len(download.Chains), chain)
	certificates := download.Chains[chain]
	switch media {
	case wire.CertificateDER:
		additions = append(additions, upwards(r, certificates, chain, 0)...)
		return document(http.StatusOK, media, certificates[0], additions...), nil
	case wire.CertificatePKCS7:
		bundle, err := degenerate(certificates)
		return document(http.StatusOK, media+"; smime-type=certs-only", bundle, additions...), err
	default:
		return document(http.StatusOK, media, encodePEM(certificates), additions...), nil
	}
}

// issuer serves one certificate of a chain above the leaf, for clients that read single certificates.
func (d *door) issuer(ctx context.Context, r *request) (web.Reply, error) {
	download, chain, err := d.download(ctx, r)
	if err != nil {
		return web.Reply{}, err
	}
	certificates := download.Chains[chain]
	level, ok := index(r.vars[2], 1, len(certificates))
	if !ok {
		return web.Reply{}, noCertificate()
	}
	return document(http.StatusOK, wire.CertificateDER, certificates[level], upwards(r, certificates, chain, level)...), nil
}

// download returns the certificate that the path names, and which of its chains.
func (d *door) download(ctx context.Context, r *request) (download issue.Download, chain int, err error) {
	download, err = d.service.Certificate(ctx, r.requester, r.vars[0])
	if err != nil {
		return download, 0, hide(err, "certificate")
	}
	if len(r.vars) == 1 {
		return download, 0, nil
	}
	lowest := 1 // the default chain has a URL without number
	if len(r.vars) > 2 {
		lowest = 0
	}
	chain, ok := index(r.vars[1], lowest, len(download.Chains))
	if !ok {
		return download, 0, noCertificate()
	}
	return download, chain, nil
}

func noCertificate() error {
	return hide(fault.New(fault.NotFound, "no such chain"), "certificate")
}

// index reads a number in its one spelling, from lowest to below end.
func index(text string, lowest, end int) (int, bool) {
	n, err := strconv.Atoi(text)
	return n, err == nil && strconv.Itoa(n) == text && n >= lowest && n < end
}

// alternates links to the other chains.
func alternates(r *request, chains, this int) []addition {
	var links []addition
	for other := range chains {
		if other != this {
			links = append(links, linked(r.urls.certificate(r.vars[0], other), "alternate"))
		}
	}
	return links
}

// upwards links to the next certificate of the chain: "For formats that can only express a single certificate, the
// server SHOULD provide one or more 'Link: rel="up"' header fields".
func upwards(r *request, chain [][]byte, number, level int) []addition {
	if level+1 >= len(chain) {
		return nil
	}
	return []addition{linked(r.urls.issuer(r.vars[0], number, level+1), "up")}
}

// encodePEM writes a chain as RFC 8555 section 9.1 wants it: RFC 7468 with no text between.
func encodePEM(chain [][]byte) []byte {
	var out bytes.Buffer
	for _, der := range chain {
		out.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	return out.Bytes()
}
