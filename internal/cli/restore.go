package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/everleaf-pki/everleaf/internal/app"
	"github.com/everleaf-pki/everleaf/internal/durable"
)

func newRestore(c *command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "restore DIR",
		Short: "Bring a backup into an empty data folder",
		Long: `Bring a backup into an empty data folder, open it, and verify the whole store; with
findings the exit code is 4. A folder that holds anything is refused.

What happened after the backup is not in it: certificates that were issued since
are unknown, and revocations since are undone. Revoke those again.`,
		Example: "  everleaf restore /backup/everleaf-monday --data /srv/everleaf",
	}
	cmd = c.finder(cmd, func(cmd *cobra.Command, args []string) (r result, bad bool, err error) {
		settings, err := c.loadSettings(cmd)
		if err != nil {
			return r, false, err
		}
		if err := restore(args[0], settings.Data); err != nil {
			return r, false, err
		}
		taken := false // by a server that started at this very moment
		err = c.withClient(cmd, func(ctx context.Context, cl *client) error {
			taken = cl.live
			found, err := cl.Check(ctx)
			r, bad = findingsResult(found, "The backup was restored into "+settings.Data+", and the whole store is sound.")
			return err
		})
		if err != nil && !taken && !errors.Is(err, app.ErrHeld) {
			err = errors.Join(err, discard(settings.Data))
		}
		return r, bad, err
	})
	addSettings(cmd.Flags(), "data", "passphrase-file")
	return cmd
}

// restore copies a backup into an empty folder. The database gets its name last: a folder without it is no installation.
func restore(from, data string) error {
	for _, part := range []string{app.DatabaseFile, app.KeysFolder} {
		if _, err := os.Stat(filepath.Join(from, part)); err != nil {
			return fmt.Errorf("%s is no backup: %w", from, err)
		}
	}
	entries, err := os.ReadDir(data)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s is not empty; restore into a new folder with --data, or move what is there away", data)
	}
	if err := durable.MkdirAll(data); err != nil {
		return fmt.Errorf("the data folder cannot be made: %w", err)
	}
	if err := fill(from, data); err != nil {
		return errors.Join(err, discard(data))
	}
	return nil
}

func fill(from, data string) error {
	if _, err := copyKeys(filepath.Join(from, app.KeysFolder), filepath.Join(data, app.KeysFolder)); err != nil {
		return err
	}
	partial := filepath.Join(data, "."+app.DatabaseFile+".tmp")
	if err := copyFile(filepath.Join(from, app.DatabaseFile), partial); err != nil {
		return err
	}
	return os.Rename(partial, filepath.Join(data, app.DatabaseFile))
}

// discard empties a folder that was empty before a restore which failed, so that it can be tried again.
func discard(data string) error {
	entries, err := os.ReadDir(data)
	if err != nil {
		return err
	}
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(data, e.Name())))
	}
	return err
}
