package web

import (
	"net"
	"net/netip"
	"sync"
)

// MaxConnections is how many connections one address may hold when nothing else is configured.
const MaxConnections = 256

// LimitConnections returns l with at most perAddress open connections for one remote address; further ones are closed
// at once. For IPv6 an address is its first 64 bits, all of which one host can have. Exempt addresses, such as those of
// a trusted proxy, have no limit.
func LimitConnections(l net.Listener, perAddress int, exempt []netip.Prefix) net.Listener {
	return &limitedListener{Listener: l, most: perAddress, exempt: exempt, open: make(map[netip.Prefix]int)}
}

type limitedListener struct {
	net.Listener
	most   int
	exempt []netip.Prefix

	mu   sync.Mutex
	open map[netip.Prefix]int
}

// Accept returns the next connection that the limit lets in.
func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		address := parseAddress(conn.RemoteAddr().String())
		if !address.IsValid() || within(l.exempt, address) {
			return conn, nil
		}
		source := sourceOf(address)
		if l.take(source) {
			return &limitedConn{Conn: conn, release: sync.OnceFunc(func() { l.release(source) })}, nil
		}
		_ = conn.Close()
	}
}

// sourceOf returns what counts as one address.
func sourceOf(a netip.Addr) netip.Prefix {
	bits := 64
	if a.Is4() {
		bits = 32
	}
	return netip.PrefixFrom(a.WithZone(""), bits).Masked()
}

func (l *limitedListener) take(source netip.Prefix) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[source] >= l.most {
		return false
	}
	l.open[source]++
	return true
}

func (l *limitedListener) release(source netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[source]--; l.open[source] <= 0 {
		delete(l.open, source)
	}
}

type limitedConn struct {
	net.Conn
	release func()
}

// Close closes the connection and gives its place back, once.
func (c *limitedConn) Close() error {
	c.release()
	return c.Conn.Close()
}
