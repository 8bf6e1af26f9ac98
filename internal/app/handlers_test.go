package app

import (
	"encoding/json"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
)

// TestTheDoorAnswersEverythingBelowItsRoot: with a problem document and a nonce, never with a redirect or a text of a
// ServeMux.
func TestTheDoorAnswersEverythingBelowItsRoot(t *testing.T) {
	r := start(t, settings(t, filepath.Join(t.TempDir(), "data")))
	base := strings.TrimSuffix(r.info.Directory, "/acme/default/directory")
	client := &http.Client{
		Transport:     &http.Transport{TLSClientConfig: r.client.Transport.(*http.Transport).TLSClientConfig.Clone()}, // HTTP/1.1
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{http.MethodGet, "/acme", http.StatusNotFound},
		{http.MethodGet, "/acme/", http.StatusNotFound},
		{http.MethodGet, "/acme//default/directory", http.StatusNotFound},
		{http.MethodGet, "/acme/default//directory", http.StatusNotFound},
		{http.MethodGet, "/acme/default/./directory", http.StatusNotFound},
		{http.MethodGet, "/acme/default/directory/", http.StatusNotFound},
		{http.MethodGet, "/acme/../livez", http.StatusNotFound},
		{http.MethodGet, "/acme/../acme/default/directory", http.StatusNotFound},
		{http.MethodGet, "/%61cme/default/directory", http.StatusNotFound},
		{http.MethodGet, "/acme/%2e%2e/livez", http.StatusNotFound},
		{http.MethodPost, "/acme/default//new-order", http.StatusNotFound},
		{http.MethodConnect, "/acme/default/new-order", http.StatusMethodNotAllowed},
		{http.MethodTrace, "/acme/default/directory", http.StatusMethodNotAllowed},
		{"PROPFIND", "/acme/default/directory", http.StatusMethodNotAllowed},
		{"get", "/acme/default/directory", http.StatusMethodNotAllowed},
		{http.MethodGet, "/acme/default/directory", http.StatusOK},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			target, err := url.Parse(base + c.path)
			if err != nil {
				t.Fatal(err)
			}
			response, err := client.Do((&http.Request{Method: c.method, URL: target}).WithContext(t.Context()))
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			var problem struct{ Type string }
			err = json.NewDecoder(response.Body).Decode(&problem)
			if response.StatusCode != c.status || response.Header.Get("Replay-Nonce") == "" || err != nil {
				t.Fatalf("%s %v %v", response.Status, response.Header, err)
			}
			if c.status != http.StatusOK && problem.Type != "urn:ietf:params:acme:error:malformed" {
				t.Errorf("type %q", problem.Type)
			}
		})
	}
	if response, _ := r.get(t, base+"/acmes/default/directory"); response.StatusCode != http.StatusNotFound || response.Header.Get("Replay-Nonce") != "" {
		t.Errorf("not below it: %s %v", response.Status, response.Header)
	}
}
