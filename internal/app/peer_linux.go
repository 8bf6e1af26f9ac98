package app

import (
	"net"
	"syscall"
)

// peer names the user of the process at the other end of a Unix socket, as the kernel saw it when the connection was made
// (SO_PEERCRED of unix(7)).
func peer(c net.Conn) string {
	socket, ok := c.(*net.UnixConn)
	if !ok {
		return nobodyKnown
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nobodyKnown
	}
	name := nobodyKnown
	err = raw.Control(func(fd uintptr) {
		if found, err := syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED); err == nil {
			name = userName(int(found.Uid))
		}
	})
	if err != nil {
		return nobodyKnown
	}
	return name
}
