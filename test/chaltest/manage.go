package chaltest

import (
	"encoding/json"
	"net"
	"net/http"
	"testing"
	"time"
)

// record is the body of a request to the management interface.
type record struct {
	Host  string `json:"host"`
	Value string `json:"value"`
}

// Manage starts an HTTP interface for the hooks of clients that run in processes of their own, and returns its URL.
// POST /set-txt {"host": NAME, "value": VALUE} adds a TXT record, POST /clear-txt {"host": NAME} removes all of a name:
// the requests that pebble-challtestsrv takes too.
func (d *DNS) Manage(t testing.TB) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /set-txt", onRecord(func(r record) { d.AddTXT(r.Host, r.Value) }))
	mux.HandleFunc("POST /clear-txt", onRecord(func(r record) { d.removeTXT(r.Host) }))
	return "http://" + serveHTTP(t, "127.0.0.1:0", mux).String()
}

func onRecord(act func(record)) http.HandlerFunc {
	return func(w http.ResponseWriter, request *http.Request) {
		var r record
		if err := json.NewDecoder(request.Body).Decode(&r); err != nil || r.Host == "" {
			http.Error(w, "want {\"host\": NAME, \"value\": VALUE}", http.StatusBadRequest)
			return
		}
		act(r)
	}
}

func (d *DNS) removeTXT(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.texts, canonical(name))
}

// serveHTTP serves until the end of the test.
func serveHTTP(t testing.TB, address string, handler http.Handler) net.Addr {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatalf("chaltest: HTTP server: %v", err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return listener.Addr()
}
