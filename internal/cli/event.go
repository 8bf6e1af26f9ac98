package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/cli/render"
)

func newEvent(c *command) *cobra.Command {
	return newGroup(cobra.Command{
		Use:   "event",
		Short: "Events: what happened, by whom, to what",
		Long:  "Events are the log of what happened: each is written together with what it tells of.",
	}, c.eventList())
}

func (c *command) eventList() *cobra.Command {
	var object string
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List what happened, the newest first",
		Example: "  everleaf event list --limit 20\n  everleaf event list --object ORDER-ID -o json",
	}
	cmd.Flags().StringVar(&object, "object", "", "only what happened to the account, order, certificate ... of this `id`")
	pages := addPages(cmd.Flags(), eventLimit)
	return c.operation(cmd, func(ctx context.Context, cl *client, _ []string) (result, error) {
		found, next, err := collect(pages, func(p adminapi.Page) ([]adminapi.Event, string, error) {
			part, err := cl.Events(ctx, object, p)
			return part.Events, part.Next, err
		})
		rows := render.Rows{Header: []string{"AT", "ACTION", "BY", "OBJECT", "DETAIL"}}
		for _, e := range found {
			rows.Add(render.Time(e.At), e.Action, e.Actor, e.Object, e.Detail)
		}
		data := adminapi.Events{Events: found, Next: next}
		return listed(data, &rows, next), err
	})
}
