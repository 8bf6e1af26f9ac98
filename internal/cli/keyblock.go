package cli

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/cli/render"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// blockedAtOnce is how many keys a request names: their hashes fit into it.
const blockedAtOnce = 2000

func (c *command) keyBlock() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "block FILE|SERIAL",
		Short: "Have a key certified never again",
		Long: `Have a key certified never again, because somebody else has it. Its certificates
are revoked within seconds while a server runs, for keyCompromise. Nothing unblocks
a key.

The key is that of a certificate of this CA, by its serial number, or those of a
file: public keys, certificates or requests in PEM, or a list with one SHA-256 of a
public key (its SubjectPublicKeyInfo) a line.`,
		Example: "  everleaf key block 4f3c...\n" +
			"  everleaf key block leaked.pem",
	}
	return c.operation(cmd, func(ctx context.Context, cl *client, args []string) (result, error) {
		if !isFile(args[0]) {
			blocked, err := cl.BlockKeys(ctx, adminapi.BlockKeys{Certificate: args[0]})
			return keysBlocked(blocked, cl.live), err
		}
		blocked, err := blockFile(ctx, cl, args[0])
		return keysBlocked(blocked, cl.live), err
	})
}

// isFile tells the name of a file from a serial number or an id, which have neither a dot nor a slash.
func isFile(text string) bool {
	_, err := os.Stat(text)
	return err == nil || strings.ContainsAny(text, "./\\")
}

// blockFile blocks the keys that a file names, in as many requests as they need.
func blockFile(ctx context.Context, cl *client, path string) (adminapi.KeysBlocked, error) {
	var total adminapi.KeysBlocked
	text, err := os.ReadFile(path)
	if err != nil {
		return total, fmt.Errorf("the file %s cannot be read: %w; name another, or a serial number", path, systemReason(err))
	}
	keys, err := pki.ReadKeys(text)
	if err != nil {
		return total, err
	}
	for part := range slices.Chunk(keys, blockedAtOnce) {
		blocked, err := cl.BlockKeys(ctx, adminapi.BlockKeys{Keys: each(part, pki.KeyHash.String)})
		if err != nil {
			return total, err
		}
		total.Added += blocked.Added
		total.Known += blocked.Known
	}
	return total, nil
}

// keysBlocked tells how many keys are new, and what follows; live: a server runs.
func keysBlocked(b adminapi.KeysBlocked, live bool) result {
	note := "Certificates that have them are revoked within seconds."
	if !live {
		note = "No server runs: certificates that have them are revoked once one does."
	}
	rows := render.Rows{Header: []string{"NEW", "BLOCKED BEFORE"}}
	rows.Add(fmt.Sprint(b.Added), fmt.Sprint(b.Known))
	return result{data: b, table: rows.Write, note: note}
}

func (c *command) keyBlocked() *cobra.Command {
	var after string
	var limit int
	cmd := &cobra.Command{Use: "blocked", Short: "List the keys that are certified never again"}
	cmd.Flags().StringVar(&after, "after", "", "only what follows this `SHA-256`: the next of an answer that ended at its limit")
	intFlag(cmd.Flags(), &limit, "limit", "at most this `number`, up to 1000 (default 1000)")
	return c.operation(cmd, func(ctx context.Context, cl *client, _ []string) (result, error) {
		if limit == 0 {
			limit = adminapi.MaxPage
		}
		found, err := cl.BlockedKeys(ctx, after, limit)
		rows := render.Rows{Header: []string{"SINCE", "SHA-256"}}
		for _, k := range found.Keys {
			rows.Add(render.Time(k.Since), k.Key)
		}
		r := listed(found, &rows, "")
		if found.Next != "" {
			r.note = "There are more; they follow with --after " + found.Next
		}
		return r, err
	})
}
