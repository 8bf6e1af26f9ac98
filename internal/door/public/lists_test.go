package public

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// validity is how long the lists of a press are valid.
const validity = 24 * time.Hour

// press is a store of revocation lists that counts what it is asked.
type press struct {
	shelf
	mu           sync.Mutex
	lists        map[place]pki.CRL
	looks, reads int
	broken       error
	looking      func(context.Context) // called at the start of each look; nil: nothing
}

func (p *press) RevocationLists(ctx context.Context) ([]pki.CRL, error) {
	if p.looking != nil {
		p.looking(ctx)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.looks++
	var all []pki.CRL
	for _, list := range p.lists {
		list.DER = nil
		all = append(all, list)
	}
	return all, p.broken
}

func (p *press) RevocationList(_ context.Context, issuer string, shard int) (pki.CRL, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reads++
	list := p.lists[place{issuer, shard}]
	list.DER = bytes.Clone(list.DER)
	return list, p.broken
}

func (p *press) publish(issuer string, shard int, number int64, der []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lists == nil {
		p.lists = make(map[place]pki.CRL)
	}
	now := time.Now().UTC().Truncate(time.Second)
	p.lists[place{issuer, shard}] = pki.CRL{
		Issuer: issuer, Shard: pki.Shard{Number: shard}, Number: number, ThisUpdate: now, NextUpdate: now.Add(validity), DER: der,
	}
}

// want fetches a list and compares it, and how often the store was asked since the start.
func (p *press) want(t *testing.T, l *lists, issuer, body string, looks, reads int) *document {
	t.Helper()
	doc, err := l.newest(t.Context(), place{issuer, 1})
	if err != nil {
		t.Fatal(err)
	}
	if string(doc.body) != body || p.looks != looks || p.reads != reads {
		t.Errorf("%q after %d looks and %d reads, want %q, %d and %d", doc.body, p.looks, p.reads, body, looks, reads)
	}
	return doc
}

func TestAListIsReadOnceAndANewOneIsSeenWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &press{}
		l := newLists(p, memory, slog.New(slog.DiscardHandler))
		p.publish("i", 1, 1, []byte("one"))
		for range 10 {
			p.want(t, l, "i", "one", 1, 1)
		}
		p.publish("i", 1, 2, []byte("two"))
		time.Sleep(lookInterval - time.Nanosecond)
		p.want(t, l, "i", "one", 1, 1)
		time.Sleep(time.Nanosecond)
		p.want(t, l, "i", "two", 2, 2)
		time.Sleep(time.Hour)
		p.want(t, l, "i", "two", 3, 2)
		runtime.GC()
		p.want(t, l, "i", "two", 3, 2)
	})
}

func TestAReaderThatLagsBehindIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &press{}
		l := newLists(p, memory, slog.New(slog.DiscardHandler))
		p.publish("i", 1, 2, []byte("two"))
		if _, err := l.slot(t.Context(), place{"i", 1}); err != nil {
			t.Fatal(err)
		}
		p.publish("i", 1, 1, []byte("one"))
		p.want(t, l, "i", "one", 1, 1)
		p.publish("i", 1, 2, []byte("two"))
		p.want(t, l, "i", "two", 1, 2)
	})
}

func TestWhatFindsNoRoomIsSharedAndNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &press{}
		l := newLists(p, 10, slog.New(slog.DiscardHandler))
		p.publish("small", 1, 1, []byte("123456"))
		p.publish("large", 1, 1, []byte("12345"))
		p.want(t, l, "small", "123456", 1, 1)
		first := p.want(t, l, "large", "12345", 1, 2)
		if second := p.want(t, l, "large", "12345", 1, 2); first != second {
			t.Error("two who fetch at the same time have a copy each")
		}
		runtime.KeepAlive(first)
		runtime.GC()
		p.want(t, l, "large", "12345", 1, 3)
		p.want(t, l, "small", "123456", 1, 3)

		p.publish("small", 1, 2, []byte("1234")) // gives room
		time.Sleep(lookInterval)
		p.want(t, l, "small", "1234", 2, 4)
		runtime.GC()
		p.want(t, l, "large", "12345", 2, 5)
		runtime.GC()
		p.want(t, l, "large", "12345", 2, 5)
	})
}

func TestManyWhoFetchAtOnceCauseOneRead(t *testing.T) {
	p := &press{}
	l := newLists(p, 0, slog.New(slog.DiscardHandler))
	p.publish("i", 1, 1, make([]byte, 1000))
	documents := make([]*document, 100)
	var wait sync.WaitGroup
	for i := range documents {
		wait.Go(func() { documents[i], _ = l.newest(t.Context(), place{"i", 1}) })
	}
	wait.Wait()
	for _, doc := range documents {
		if doc == nil || doc != documents[0] {
			t.Error("one has no copy, or one of its own")
		}
	}
	if p.looks != 1 || p.reads != 1 {
		t.Errorf("%d looks and %d reads", p.looks, p.reads)
	}
}

func TestStrangersWhoInventListsAskTheStoreForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &press{}
		mux := http.NewServeMux()
		Register(mux, p, slog.New(slog.DiscardHandler))
		for range 1000 {
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/crl/invented/1.crl", nil))
			if w.Code != http.StatusNotFound {
				t.Fatal(w.Code)
			}
		}
		if p.looks != 1 || p.reads != 0 {
			t.Errorf("%d looks and %d reads", p.looks, p.reads)
		}
	})
}

func TestConditions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &press{}
		mux := http.NewServeMux()
		Register(mux, p, slog.New(slog.DiscardHandler))
		fetch := func(method string, header ...string) *httptest.ResponseRecorder {
			r := httptest.NewRequestWithContext(t.Context(), method, "/crl/i/1.crl", nil)
			for i := 0; i < len(header); i += 2 {
				r.Header.Set(header[i], header[i+1])
			}
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, r)
			return w
		}
		p.publish("i", 1, 1, []byte("one"))
		young := fetch("GET")
		if young.Header().Get("Last-Modified") != "" {
			t.Error("a list that another may follow in this second has a date")
		}
		time.Sleep(youngest)
		w := fetch("GET")
		tag, date := w.Header().Get("ETag"), w.Header().Get("Last-Modified")
		if len(tag) != 34 || tag[0] != '"' || tag != young.Header().Get("ETag") || date == "" || w.Header().Get("Cache-Control") != "public, max-age=60" {
			t.Errorf("%v", w.Header())
		}
		later := time.Now().UTC().Format(http.TimeFormat)
		for _, c := range []struct {
			name   string
			method string
			header []string
			status int
			body   string
		}{
			{"the same tag", "GET", []string{"If-None-Match", tag}, 304, ""},
			{"the same tag for HEAD", "HEAD", []string{"If-None-Match", tag}, 304, ""},
			{"one of several tags", "GET", []string{"If-None-Match", `"x", ` + tag}, 304, ""},
			{"any tag", "GET", []string{"If-None-Match", "*"}, 304, ""},
			{"another tag", "GET", []string{"If-None-Match", `"x"`}, 200, "one"},
			{"another tag beats the same date", "GET", []string{"If-None-Match", `"x"`, "If-Modified-Since", date}, 200, "one"},
			{"the same date", "GET", []string{"If-Modified-Since", date}, 304, ""},
			{"the time of a download", "GET", []string{"If-Modified-Since", later}, 200, "one"},
			{"a part", "GET", []string{"Range", "bytes=1-"}, 206, "ne"},
			{"HEAD", "HEAD", nil, 200, ""},
		} {
			w := fetch(c.method, c.header...)
			if w.Code != c.status || w.Body.String() != c.body || w.Header().Get("ETag") != tag {
				t.Errorf("%s: %d %q %v", c.name, w.Code, w.Body, w.Header())
			}
		}
		if length := fetch("HEAD").Header().Get("Content-Length"); length != "3" {
			t.Errorf("HEAD says %q octets", length)
		}
		p.publish("i", 1, 2, []byte("two"))
		time.Sleep(lookInterval)
		if w := fetch("GET", "If-None-Match", tag); w.Code != 200 || w.Body.String() != "two" || w.Header().Get("ETag") == tag {
			t.Errorf("after a new list: %d %q %v", w.Code, w.Body, w.Header())
		}
		if p.reads != 2 {
			t.Errorf("%d reads of two lists", p.reads)
		}
	})
}

// sink takes a reply and keeps nothing of it.
type sink struct{ header http.Header }

func (s sink) Header() http.Header         { return s.header }
func (s sink) WriteHeader(int)             {}
func (s sink) Write(p []byte) (int, error) { return len(p), nil }

// ReadFrom does not copy, as a connection whose kernel sends from our memory.
func (s sink) ReadFrom(r io.Reader) (int64, error) { return io.CopyBuffer(io.Discard, r, nil) }

// Ten megabytes, what some 280 000 revoked certificates make, for many at the same time: B/op is the memory of one fetch.
func BenchmarkFetchOfALargeList(b *testing.B) {
	for name, room := range map[string]int{"kept": memory, "shared": 0} {
		b.Run(name, func(b *testing.B) {
			p := &press{}
			p.publish("i", 1, 1, make([]byte, 10<<20))
			d := door{from: p, log: slog.New(slog.DiscardHandler), lists: newLists(p, room, slog.New(slog.DiscardHandler))}
			mux := http.NewServeMux()
			mux.HandleFunc("GET /crl/{issuer}/{file}", d.serve(d.list))
			b.ReportAllocs()
			b.SetBytes(10 << 20)
			b.RunParallel(func(pb *testing.PB) {
				r := httptest.NewRequestWithContext(b.Context(), "GET", "/crl/i/1.crl", nil)
				for pb.Next() {
					mux.ServeHTTP(sink{http.Header{}}, r)
				}
			})
			b.ReportMetric(float64(p.reads), "reads")
		})
	}
}
