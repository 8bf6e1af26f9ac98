package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"

	"github.com/everleaf-pki/everleaf/internal/config"
)

// listeners are the doors to the outside, bound before anything is served, so that a taken port is told at once.
type listeners struct {
	https   net.Listener
	public  net.Listener
	metrics net.Listener // nil: off
	admin   net.Listener
}

// listen binds every listener, or none.
func listen(ctx context.Context, c config.Config) (l listeners, err error) {
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	if l.https, err = bind(ctx, "listen", c.Listen); err != nil {
		return l, err
	}
	port := l.https.Addr().(*net.TCPAddr).Port //nolint:errcheck // a TCP listener has a TCP address
	if l.public, err = bind(ctx, "public-listen", publicListen(c, port)); err != nil {
		return l, err
	}
	if address := metricsListen(c, port); address != "off" {
		if l.metrics, err = bind(ctx, "metrics-listen", address); err != nil {
			return l, err
		}
	}
	l.admin, err = bindSocket(ctx, SocketPath(c.Data))
	return l, err
}

func (l listeners) close() {
	for _, one := range []net.Listener{l.https, l.public, l.metrics, l.admin} {
		if one != nil {
			_ = one.Close()
		}
	}
}

// publicListen derives the plain HTTP listener: the same host, port 80 beside 443, otherwise the next port.
func publicListen(c config.Config, port int) string {
	if c.PublicListen != "" {
		return c.PublicListen
	}
	host, _, _ := net.SplitHostPort(c.Listen)
	if port == 443 {
		return net.JoinHostPort(host, "80")
	}
	return net.JoinHostPort(host, neighbour(c.Listen, port, 1))
}

// metricsListen derives the metrics listener: the second port after the HTTPS listener's, on loopback.
func metricsListen(c config.Config, port int) string {
	if c.MetricsListen != "" {
		return c.MetricsListen
	}
	return net.JoinHostPort("127.0.0.1", neighbour(c.Listen, port, 2))
}

// neighbour returns a port near the given one; any free port when the listener itself took any.
func neighbour(listen string, port, distance int) string {
	_, asked, _ := net.SplitHostPort(listen)
	if asked == "0" || port+distance > 65535 {
		return "0"
	}
	return strconv.Itoa(port + distance)
}

func bind(ctx context.Context, setting, address string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, refusedAddress(setting, address, err)
	}
	return l, nil
}

// bindSocket binds the administration socket, usable by this user only. A socket that a dead server left is removed:
// the lock of the data folder says that its server is gone.
func bindSocket(ctx context.Context, path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("an old administration socket cannot be removed: %w", err)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on the administration socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("the administration socket cannot be made private: %w", err)
	}
	return l, nil
}

// httpsBase returns the base URL under which this machine reaches the HTTPS listener.
func (l listeners) httpsBase(c config.Config) string {
	if c.ExternalURL != "" {
		return c.ExternalURL
	}
	return (&url.URL{Scheme: "https", Host: net.JoinHostPort(hostFor(c.Listen), portOf(l.https))}).String()
}

// publicBase returns the base URL of the plain HTTP listener.
func (l listeners) publicBase(c config.Config) string {
	https := l.https.Addr().(*net.TCPAddr).Port //nolint:errcheck // a TCP listener has a TCP address
	return publicBase(c, https, portOf(l.public))
}

func portOf(l net.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// hostFor names the host of a listener as clients do: localhost on loopback, this host's name where it listens on all
// addresses.
func hostFor(listen string) string {
	host, _, _ := net.SplitHostPort(listen)
	addr := net.ParseIP(host)
	switch {
	case host == "localhost" || addr != nil && addr.IsLoopback():
		return "localhost"
	case host == "" || addr != nil && addr.IsUnspecified():
		if name, err := os.Hostname(); err == nil {
			return name
		}
	}
	return host
}
