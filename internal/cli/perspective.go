package cli

import (
	"cmp"
	"context"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/cli/render"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

func newPerspective(c *command) *cobra.Command {
	return newGroup(cobra.Command{
		Use:   "perspective",
		Short: "Perspectives: validators on other machines",
		Long: `Perspectives are validators on other machines ("everleaf validator"), from which the
CA looks at challenges too. A connector's quorum names those that must see a proof.
The CA and its validators know each other by their keys.`,
	}, c.perspectiveList(), c.perspectiveShow(), c.perspectiveAdd(), c.perspectiveRemove())
}

func (c *command) perspectiveList() *cobra.Command {
	cmd := &cobra.Command{
		Use: "list", Short: "List the perspectives, and the key that they must trust",
	}
	return c.operation(cmd, func(ctx context.Context, cl *client, _ []string) (result, error) {
		found, err := cl.Perspectives(ctx)
		rows := render.Rows{Header: []string{"NAME", "URL", "REGION", "STATE"}}
		for _, p := range found.Perspectives {
			rows.Add(p.Name, p.URL, p.Region, stateOf(p))
		}
		note := "Validators must trust this CA: everleaf validator --trust " + found.TrustedKey
		return result{data: found, table: rows.Write, note: note}, err
	})
}

func (c *command) perspectiveShow() *cobra.Command {
	cmd := &cobra.Command{Use: "show NAME", Short: "Show a perspective as it is found now"}
	return c.operation(cmd, func(ctx context.Context, cl *client, args []string) (result, error) {
		found, err := cl.Perspective(ctx, args[0])
		return c.perspectiveResult(found), err
	})
}

func (c *command) perspectiveAdd() *cobra.Command {
	var n adminapi.NewPerspective
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Make a validator known",
		Long: `Make a validator known. It looks at nothing until a connector's quorum names it, and
need not run yet.`,
		Example: "  everleaf perspective add east --url https://east.example.com:8444 --key 3f0c...\n" +
			"  everleaf connector set default --perspectives here,east",
	}
	flags := cmd.Flags()
	flags.StringVar(&n.URL, "url", "", "`URL` of the validator: https://HOST:PORT")
	flags.StringVar(&n.Key, "key", "", "`SHA-256` of its key, which it prints at its start")
	flags.StringVar(&n.Region, "region", "", "`word` for where it stands; for public certificates one of "+strings.Join(policy.Registries(), ", "))
	return c.operation(cmd, func(ctx context.Context, cl *client, args []string) (result, error) {
		if n.URL == "" || n.Key == "" {
			return result{}, errors.New("give the validator's address with --url and its key with --key; it prints both at its start")
		}
		n.Name = args[0]
		made, err := cl.CreatePerspective(ctx, n)
		return c.perspectiveResult(made), err
	})
}

func (c *command) perspectiveRemove() *cobra.Command {
	cmd := &cobra.Command{Use: "remove NAME", Short: "Forget a validator"}
	return c.operation(cmd, func(ctx context.Context, cl *client, args []string) (result, error) {
		gone, err := cl.DeletePerspective(ctx, args[0])
		return c.perspectiveResult(gone), err
	})
}

func stateOf(p adminapi.Perspective) string { return cmp.Or(p.Problem, "can be asked") }

func (c *command) perspectiveResult(p adminapi.Perspective) result {
	return result{data: p, table: func(w io.Writer) error {
		var f render.Facts
		f.Add("Name", p.Name)
		f.Add("URL", p.URL)
		f.Add("Key (SHA-256)", p.Key)
		f.Add("Region", p.Region)
		f.Add("State", stateOf(p))
		f.Add("Created", render.When(p.Created, c.now()))
		f.Add("Id", p.ID)
		return f.Write(w)
	}}
}

// addQuorum adds the flags that say from where a proof must be seen.
func addQuorum(flags *pflag.FlagSet, r *adminapi.RulesChange) {
	var q adminapi.QuorumChange
	given := func(set func(string) error) func(string) error {
		return func(text string) error {
			r.Quorum = &q
			return set(text)
		}
	}
	flags.Func("perspectives", "`names` of the places that must see a proof: here is the CA's own node; empty is here alone", given(optionalList(&q.Perspectives, plain)))
	flags.Func("quorum", "`number` of places beyond the CA's own node that must see it; 0 is all", given(optional(&q.Need, number)))
	flags.Func("quorum-regions", "`number` of regions that these must stand in; 0 is any", given(optional(&q.Regions, number)))
}

// quorumOf says from where a proof must be seen.
func quorumOf(q policy.Quorum) []string {
	lines := []string{render.Words(q.Places())}
	if others := len(q.Others()); others > 0 {
		lines = append(lines, strconv.Itoa(q.Needed())+" of "+strconv.Itoa(others)+" beyond the CA's own node")
	}
	if q.Regions > 0 {
		lines = append(lines, "in at least "+strconv.Itoa(q.Regions)+" regions")
	}
	return lines
}
