package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/cli/render"
)

func newOrder(c *command) *cobra.Command {
	return newGroup(cobra.Command{
		Use:   "order",
		Short: "Orders: what was asked, and why it failed",
		Long: `Orders are what clients asked for. "everleaf order show ID" tells what the server
saw when it looked for the proofs: why an order failed is in there.`,
	}, c.orderList(), c.orderShow())
}

func (c *command) orderList() *cobra.Command {
	var connector string
	cmd := &cobra.Command{Use: "list", Short: "List the orders, the newest first"}
	cmd.Flags().StringVar(&connector, "connector", "", "only those of the connector of this `name`")
	pages := addPages(cmd.Flags(), 0)
	return c.operation(cmd, func(ctx context.Context, cl *client, _ []string) (result, error) {
		found, next, err := collect(pages, func(p adminapi.Page) ([]adminapi.Order, string, error) {
			part, err := cl.Orders(ctx, connector, p)
			return part.Orders, part.Next, err
		})
		rows := render.Rows{Header: []string{"ID", "STATUS", "CREATED", "PROFILE", "CONNECTOR", "ACCOUNT", "NAMES"}}
		for _, o := range found {
			rows.Add(o.ID, o.Status, render.Time(o.Created), o.Profile, o.Connector, o.Account, render.Few(o.Names))
		}
		data := adminapi.Orders{Orders: found, Next: next}
		return listed(data, &rows, next), err
	})
}

func (c *command) orderShow() *cobra.Command {
	cmd := &cobra.Command{Use: "show ID", Short: "Show the life of an order, with what each validation attempt saw"}
	return c.operation(cmd, func(ctx context.Context, cl *client, args []string) (result, error) {
		o, err := cl.Order(ctx, args[0])
		return result{data: o, table: func(w io.Writer) error {
			if err := c.orderFacts(o).Write(w); err != nil {
				return err
			}
			if err := writeTimeline(w, o.Timeline); err != nil {
				return err
			}
			return c.writeEvidence(w, o)
		}}, err
	})
}

// writeTimeline shows what happened, one thing a line.
func writeTimeline(w io.Writer, moments []adminapi.Moment) error {
	if len(moments) == 0 {
		return nil
	}
	if _, err := io.WriteString(w, "\nTimeline\n"); err != nil {
		return err
	}
	for _, m := range moments {
		if _, err := fmt.Fprintf(w, "  %s  %s\n", render.Time(m.At), render.Clean(m.What)); err != nil {
			return err
		}
	}
	return nil
}

func (c *command) orderFacts(o adminapi.Order) *render.Facts {
	f := new(render.Facts)
	f.Add("Order", o.ID)
	f.Add("Status", o.Status)
	f.Add("Failure", failure(o.Failure)...)
	f.Add("Names", o.Names...)
	f.Add("Profile", o.Profile)
	f.Add("Connector", o.Connector)
	f.Add("Account", o.Account)
	f.Add("Created", render.When(o.Created, c.now()))
	f.Add("Ends", render.When(o.Expires, c.now()))
	f.Add("notBefore", render.When(o.NotBefore, c.now()))
	f.Add("notAfter", render.When(o.NotAfter, c.now()))
	f.Add("Finalized", render.When(o.Finalized, c.now()))
	f.Add("Certificate", o.Certificate)
	f.Add("Replaces", o.Replaces)
	return f
}
