package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/cli/render"
)

func newClock(c *command) *cobra.Command {
	return newGroup(cobra.Command{
		Use:   "clock",
		Short: "The clock: go on after it was ahead",
		Long: `Certificates are dated by the clock of this machine. While it stands before the
newest event of the log, one of the two is wrong, and nothing is issued.`,
	}, c.clockAccept())
}

func (c *command) clockAccept() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "accept",
		Short: "Accept a clock that stands before the newest event",
		Long: `Accept a clock that stands before the newest event, so that issuance goes on.

If the clock is behind, set it; then there is nothing to accept. Accept it if it is
right and was ahead before. Revocation lists are made anew. Every proof of control
given so far ends, and clients prove control again. Events and certificates of that
time keep their wrong dates, and whoever is given such a certificate refuses it
until it begins. The log tells who accepted, and when.`,
		Example: "  everleaf status\n  everleaf clock accept",
	}
	return c.operation(cmd, func(ctx context.Context, cl *client, _ []string) (result, error) {
		found, err := cl.AcceptClock(ctx)
		return result{data: found, table: c.clockFacts(found), note: clockNote(found)}, err
	})
}

func (c *command) clockFacts(found adminapi.Clock) func(io.Writer) error {
	var f render.Facts
	f.Add("Clock", render.When(found.Now, c.now()))
	f.Add("Newest event", render.When(found.Newest, found.Now))
	f.Add("Accepted", render.YesNo(found.Accepted))
	return f.Write
}

func clockNote(found adminapi.Clock) string {
	if !found.Accepted {
		return "Nothing to do: the clock does not stand before the newest event."
	}
	return "Issuance goes on by this clock. Certificates that the clock dated ahead begin later than now; \"everleaf cert list\" has them."
}
