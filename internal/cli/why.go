package cli

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/cli/render"
)

func newWhy(c *command) *cobra.Command {
	var q adminapi.Question
	var request string
	cmd := &cobra.Command{
		Use:   "why [ORDER|NAME...]",
		Short: "Tell whether a certificate would be issued, and which rule says so",
		Long: `Tell whether a certificate would be issued now, for names, for a certificate request
or for an order, and which rule says so. The server decides as it does for a
requester, up to the lint, and leaves nothing behind. CAA records and control of
the names are looked at when a client orders.

Exit code 4 when something stands against it.`,
		Example: "  everleaf why shop.example.com\n" +
			"  everleaf why --csr request.pem --connector shops --credential 3oc66hzkm2222222222m",
	}
	flags := cmd.Flags()
	flags.StringVar(&q.Connector, "connector", "", "`name` of the connector where it would be ordered (default: default)")
	flags.StringVar(&q.Credential, "credential", "", "`kid` of the credential by which the account came in")
	flags.StringVar(&q.Profile, "profile", "", "`name` of the profile that would be asked for")
	flags.StringVar(&request, "csr", "", "`file` with a certificate request, PEM or DER")
	would := true
	cmd = c.operation(cmd, func(ctx context.Context, cl *client, args []string) (result, error) {
		if err := readQuestion(&q, request, args); err != nil {
			return result{}, err
		}
		a, err := cl.Why(ctx, q)
		would = a.Would
		return result{data: a, table: answerTable(a)}, err
	})
	cmd.Args = cobra.ArbitraryArgs
	show := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		err := show(cmd, args)
		if err == nil && !would {
			return &exit{code: exitFinding}
		}
		return err
	}
	return cmd
}

// readQuestion tells names from an order: ids have no dot, and names of one label cannot be certified.
func readQuestion(q *adminapi.Question, request string, args []string) error {
	if request != "" {
		text, err := os.ReadFile(request)
		if err != nil {
			return fmt.Errorf("--csr: %w", err)
		}
		q.Request = pemOf(text)
	}
	switch {
	case len(args) == 0 && request == "":
		return errors.New("name what the certificate would be for: names, an order, or a certificate request with --csr")
	case len(args) == 1 && !strings.ContainsAny(args[0], ".:"):
		q.Order = args[0]
	default:
		q.Names = args
	}
	return nil
}

// answerTable shows an answer to a person: the verdict, what stands against it, and what is still needed.
func answerTable(a adminapi.Answer) func(io.Writer) error {
	return func(w io.Writer) error {
		var f render.Facts
		f.Add("Would be issued", render.YesNo(a.Would))
		f.Add("Names", a.Names...)
		f.Add("Profile", a.Profile)
		f.Add("Connector", a.Connector)
		f.Add("Credential", a.Credential)
		f.Add("Order", a.Order)
		f.Add("Status", a.OrderStatus)
		f.Add("Certificate", a.Certificate)
		for _, o := range a.Objections {
			f.Add("Against it", o.Reason, "("+whose(o)+")")
		}
		for _, n := range a.Needs {
			f.Add("Still needed", n.Name+": "+needed(n))
		}
		for _, text := range a.Warnings {
			f.Add("Warning", text)
		}
		return f.Write(w)
	}
}

// whose says which rule objects.
func whose(o adminapi.Objection) string {
	words := o.By
	if o.Of != "" {
		words += " " + o.Of
	}
	if o.Rule != "" {
		words += ", " + o.Rule
	}
	return words
}

func needed(n adminapi.Need) string {
	if len(n.Methods) == 0 {
		return "nothing, " + n.Because
	}
	return "proof of control by " + strings.Join(n.Methods, ", ")
}

// pemOf returns a certificate request as PEM, in whichever form it is.
func pemOf(request []byte) string {
	if block, _ := pem.Decode(request); block != nil {
		return string(request)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: request}))
}
