package probe

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestShown(t *testing.T) {
	tests := []struct{ text, want string }{
		{"http://a.test:80/x?y=%20&z", "http://a.test:80/x?y=%20%26z"},
		{`<script>"'` + "`|&{}^", "%3Cscript%3E%22%27%60%7C%26%7B%7D%5E"},
		{"\r\n\x00\x1b[31m\x7f", "%0D%0A%00%1B[31m%7F"},
		{"b\u00fccher \u202e", "b%C3%BCcher%20%E2%80%AE"},
		{strings.Repeat("x", 200), strings.Repeat("x", 200)},
		{strings.Repeat("x", 201), strings.Repeat("x", 200) + "..."},
		{strings.Repeat("<", 100), strings.Repeat("%3C", 66) + "%3..."},
	}
	for _, test := range tests {
		if got := shown(test.text); got != test.want {
			t.Errorf("shown(%q) = %q, want %q", test.text, got, test.want)
		}
	}
}

func TestWords(t *testing.T) {
	op := func(err error) error { return &net.OpError{Op: "read", Net: "tcp", Err: err} }
	tests := []struct {
		err    error
		want   string
		broken bool
	}{
		{op(os.NewSyscallError("connect", syscall.ECONNREFUSED)), "was refused", true},
		{op(syscall.ECONNRESET), "was reset", true},
		{op(syscall.EPIPE), "was reset", true},
		{op(syscall.EHOSTUNREACH), "found no route", true},
		{op(syscall.ENETUNREACH), "found no route", true},
		{op(os.ErrDeadlineExceeded), "timed out", true},
		{fmt.Errorf("reading: %w", io.ErrUnexpectedEOF), "was closed early", true},
		{op(errors.New("a number that only Windows knows")), "failed", true},
		{&net.OpError{Op: "remote error", Err: errors.New("tls: internal error")}, "failed", false},
		{&net.OpError{Op: "local error", Err: errors.New("tls: bad record MAC")}, "failed", false},
		{errors.New("malformed HTTP response"), "failed", false},
	}
	for _, test := range tests {
		if got := words(test.err); got != test.want || broken(test.err) != test.broken {
			t.Errorf("%v: %q, broken %t, want %q, %t", test.err, got, broken(test.err), test.want, test.broken)
		}
	}
}
