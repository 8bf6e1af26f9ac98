// Command autocert is a small HTTPS server that obtains its own certificate with golang.org/x/crypto/acme/autocert.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

func main() {
	directory := flag.String("directory", "", "`URL` of the CA's directory")
	root := flag.String("root", "", "`file` with the CA's root, as PEM")
	name := flag.String("name", "", "host `name` to serve")
	cache := flag.String("cache", "", "`folder` for the account's key and the certificate")
	kid := flag.String("eab-kid", "", "key `id` for external account binding")
	hmac := flag.String("eab-hmac", "", "its `key`, base64url")
	listenHTTP := flag.String("http", ":80", "`address` for http-01, or off")
	listenTLS := flag.String("https", ":443", "`address` to serve on")
	flag.Parse()
	client, err := trusting(*root)
	key, keyErr := base64.RawURLEncoding.DecodeString(*hmac)
	if err := errors.Join(err, keyErr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	manager := &autocert.Manager{
		Prompt:     autocert.AcceptTOS,
		Cache:      autocert.DirCache(*cache),
		HostPolicy: autocert.HostWhitelist(*name),
		Client:     &acme.Client{DirectoryURL: *directory, HTTPClient: client},
	}
	if *kid != "" {
		manager.ExternalAccountBinding = &acme.ExternalAccountBinding{KID: *kid, Key: key}
	}
	fmt.Fprintln(os.Stderr, serve(manager, *listenHTTP, *listenTLS))
	os.Exit(1)
}

// serve returns when a listener fails. Without the plain one there is tls-alpn-01 only.
func serve(manager *autocert.Manager, plain, secure string) error {
	failed := make(chan error, 2)
	if plain != "off" {
		server := &http.Server{Addr: plain, Handler: manager.HTTPHandler(nil), ReadHeaderTimeout: time.Minute}
		go func() { failed <- server.ListenAndServe() }()
	}
	hello := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "Hello.") })
	server := &http.Server{Addr: secure, Handler: hello, TLSConfig: manager.TLSConfig(), ReadHeaderTimeout: time.Minute}
	go func() { failed <- server.ListenAndServeTLS("", "") }()
	return <-failed
}

// trusting returns a client that trusts one root.
func trusting(file string) (*http.Client, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, errors.New("no certificate in " + file)
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}, nil
}
