package app

import (
	"context"
	"net"
	"net/http"
	"os"
	"strconv"
)

// nobodyKnown names an operator where the system does not tell who it is.
const nobodyKnown = "local"

// operatorKey is where the context of a connection keeps the name of its operator.
type operatorKey struct{}

// namingOperators gives every connection of the administration socket the name of the user who opened it.
func namingOperators(h *http.Server) {
	h.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, operatorKey{}, peer(c))
	}
}

// asThisUser answers requests that a command makes to the installation that it has opened by itself: the operator is the
// user of this process.
func asThisUser(h http.Handler) http.Handler {
	name := userName(os.Getuid())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), operatorKey{}, name)))
	})
}

// operator names who makes a request, for the log of events.
func operator(r *http.Request) string {
	if name, ok := r.Context().Value(operatorKey{}).(string); ok {
		return name
	}
	return nobodyKnown
}

// userName names a user by number: names move from one to another.
func userName(uid int) string {
	if uid < 0 {
		return nobodyKnown
	}
	return "uid:" + strconv.Itoa(uid)
}
