package cli

import (
	"testing"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
)

// A clock that does not stand before the log needs nobody to accept it.
func TestNoClockToAccept(t *testing.T) {
	door := &fakeDoor{answers: map[string]any{"POST /v1/clock/accept": adminapi.Clock{Now: noon, Newest: noon}}}
	b := newBench(t, serveDoor(t, door))
	b.want(exitDone,
		"Clock         2026-11-23T12:00:00Z (now)\nNewest event  2026-11-23T12:00:00Z (now)\nAccepted      no\n",
		"Nothing to do: the clock does not stand before the newest event.\n",
		"clock", "accept")
}
