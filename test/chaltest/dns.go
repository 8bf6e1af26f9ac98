// Package chaltest is the outside world of a challenge, for tests: a DNS server, an http-01 responder and a
// tls-alpn-01 responder on loopback. Servers stop at the end of the test that made them; their methods may be called
// from any goroutine.
package chaltest

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// DNS is a DNS server over UDP and TCP. Unless told otherwise every name has the address 127.0.0.1.
type DNS struct {
	addr string

	mu        sync.Mutex
	fallback  []netip.Addr // addresses of names that nothing was set for
	addresses map[string][]netip.Addr
	texts     map[string][]string
	aliases   map[string]string
	caa       map[string][]CAA
	rcodes    map[string]int
	hooks     map[string]Responder
	queries   []Query
}

// CAA is one CAA record (RFC 8659 section 4.1).
type CAA struct {
	Flag  uint8
	Tag   string
	Value string
}

// Query is one question that the server was asked.
type Query struct {
	Name string // as asked, without the trailing dot
	Type string
	TCP  bool
}

// Responder answers in the server's stead. It gets the reply that the server would give and returns the one to send;
// nil: none.
type Responder func(query Query, reply *dns.Msg) *dns.Msg

// NewDNS starts a server at a free port of 127.0.0.1.
func NewDNS(t testing.TB) *DNS { return NewDNSAt(t, "127.0.0.1:0") }

// NewDNSAt starts a server at address, HOST:PORT.
func NewDNSAt(t testing.TB, address string) *DNS {
	t.Helper()
	packets, streams, err := listen(address)
	if err != nil {
		t.Fatalf("chaltest: DNS server: %v", err)
	}
	d := &DNS{
		addr:      packets.LocalAddr().String(),
		fallback:  []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})},
		addresses: map[string][]netip.Addr{},
		texts:     map[string][]string{},
		aliases:   map[string]string{},
		caa:       map[string][]CAA{},
		rcodes:    map[string]int{},
		hooks:     map[string]Responder{},
	}
	d.start(t, &dns.Server{PacketConn: packets})
	d.start(t, &dns.Server{Listener: streams})
	return d
}

// listen binds one port for both transports. With port 0 the number that TCP got may be taken for UDP; then it tries again.
func listen(address string) (net.PacketConn, net.Listener, error) {
	var failure error
	for range 20 {
		streams, err := net.Listen("tcp", address)
		if err != nil {
			return nil, nil, err
		}
		packets, err := net.ListenPacket("udp", streams.Addr().String())
		if err == nil {
			return packets, streams, nil
		}
		failure = err
		_ = streams.Close()
	}
	return nil, nil, failure
}

func (d *DNS) start(t testing.TB, server *dns.Server) {
	started := make(chan struct{})
	done := make(chan error, 1)
	server.NotifyStartedFunc = func() { close(started) }
	server.Handler = dns.HandlerFunc(d.serve)
	go func() { done <- server.ActivateAndServe() }()
	select {
	case <-started:
	case err := <-done:
		t.Fatalf("chaltest: DNS server: %v", err)
	}
	t.Cleanup(func() {
		_ = server.Shutdown()
		<-done
	})
}

// Addr returns HOST:PORT, the same for UDP and TCP.
func (d *DNS) Addr() string { return d.addr }

// SetTXT replaces the TXT records of name, one record a value; values longer than 255 octets are split into strings.
func (d *DNS) SetTXT(name string, values ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.texts[canonical(name)] = slices.Clone(values)
}

// AddTXT adds TXT records to name.
func (d *DNS) AddTXT(name string, values ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.texts[canonical(name)] = append(d.texts[canonical(name)], values...)
}

// SetA replaces the addresses of name: IPv4 becomes A, IPv6 AAAA records. Without addresses the name exists and has none.
// An address that cannot be parsed panics, which ends the test.
func (d *DNS) SetA(name string, addresses ...string) {
	parsed := make([]netip.Addr, len(addresses))
	for i, a := range addresses {
		parsed[i] = netip.MustParseAddr(a)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.addresses[canonical(name)] = parsed
}

// SetDefault replaces the addresses of all names that nothing was set for; without addresses they do not exist.
func (d *DNS) SetDefault(addresses ...string) {
	parsed := make([]netip.Addr, len(addresses))
	for i, a := range addresses {
		parsed[i] = netip.MustParseAddr(a)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fallback = parsed
}

// SetCNAME makes name an alias of target.
func (d *DNS) SetCNAME(name, target string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.aliases[canonical(name)] = canonical(target)
}

// SetCAA replaces the CAA records of name.
func (d *DNS) SetCAA(name string, records ...CAA) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.caa[canonical(name)] = slices.Clone(records)
}

// SetRcode makes every question about name end in rcode, "NXDOMAIN", "SERVFAIL", "REFUSED", ..., without records.
// An unknown rcode panics, which ends the test.
func (d *DNS) SetRcode(name, rcode string) {
	code, ok := dns.StringToRcode[rcode]
	if !ok {
		panic(fmt.Sprintf("chaltest: no rcode %q", rcode))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rcodes[canonical(name)] = code
}

// Respond lets f answer every question about name.
func (d *DNS) Respond(name string, f Responder) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hooks[canonical(name)] = f
}

// Clear forgets everything that was set for name.
func (d *DNS) Clear(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	key := canonical(name)
	delete(d.addresses, key)
	delete(d.texts, key)
	delete(d.aliases, key)
	delete(d.caa, key)
	delete(d.rcodes, key)
	delete(d.hooks, key)
}

// Queries returns all questions so far, in the order in which they came.
func (d *DNS) Queries() []Query {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.queries)
}

// Asked returns how often name was asked for records of a type.
func (d *DNS) Asked(name, kind string) int {
	count := 0
	for _, q := range d.Queries() {
		if canonical(q.Name) == canonical(name) && q.Type == kind {
			count++
		}
	}
	return count
}

func canonical(name string) string { return dns.CanonicalName(name) }

func (d *DNS) serve(w dns.ResponseWriter, request *dns.Msg) {
	if len(request.Question) != 1 {
		return
	}
	question := request.Question[0]
	_, tcp := w.RemoteAddr().(*net.TCPAddr)
	query := Query{strings.TrimSuffix(question.Name, "."), dns.TypeToString[question.Qtype], tcp}

	d.mu.Lock()
	d.queries = append(d.queries, query)
	reply := d.reply(request, question)
	hook := d.hooks[canonical(question.Name)]
	d.mu.Unlock()

	if hook != nil {
		reply = hook(query, reply)
	}
	if reply == nil {
		return
	}
	if !tcp {
		reply.Truncate(udpSize(request))
	}
	_ = w.WriteMsg(reply)
}

func udpSize(request *dns.Msg) int {
	if opt := request.IsEdns0(); opt != nil {
		return max(int(opt.UDPSize()), dns.MinMsgSize)
	}
	return dns.MinMsgSize
}
