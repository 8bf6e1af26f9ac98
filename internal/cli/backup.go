package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/everleaf-pki/everleaf/internal/app"
	"github.com/everleaf-pki/everleaf/internal/cli/render"
	"github.com/everleaf-pki/everleaf/internal/durable"
)

// backupMade is a backup, as JSON.
type backupMade struct {
	Folder string `json:"folder"`
	Octets int64  `json:"octets"` // of the database
	Keys   int    `json:"keys"`   // files
}

func newBackup(c *command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backup DIR",
		Short: "Copy the database and the keys into a new folder",
		Long: `Copy the database and the keys into a new folder, while the server runs or not. The
copy of the database is of one moment. The folder appears when it is complete.

The keys are in it, because a database without them issues and revokes nothing:
keep the folder as safe as the installation itself. Keys with a passphrase stay
encrypted; the passphrase is not in it.`,
		Example: "  everleaf backup /backup/everleaf-monday\n  everleaf restore /backup/everleaf-monday --data /srv/everleaf",
	}
	return c.operation(cmd, func(ctx context.Context, cl *client, args []string) (result, error) {
		made, err := backup(ctx, cl, args[0])
		return result{data: made, table: func(w io.Writer) error {
			var f render.Facts
			f.Add("Folder", made.Folder)
			f.Add("Database", strconv.FormatInt(made.Octets, 10)+" octets")
			f.Add("Keys", strconv.Itoa(made.Keys)+" files")
			return f.Write(w)
		}, note: "The keys are in it: keep it as safe as the installation itself."}, err
	})
}

// backup copies the installation. The database comes first: a key is always kept before the database knows it.
func backup(ctx context.Context, cl *client, folder string) (backupMade, error) {
	folder = filepath.Clean(folder)
	made := backupMade{Folder: folder}
	if _, err := os.Lstat(folder); !errors.Is(err, fs.ErrNotExist) {
		return made, fmt.Errorf("%s exists; name a new folder for the backup", folder)
	}
	partial, err := os.MkdirTemp(filepath.Dir(folder), "."+filepath.Base(folder)+".*.tmp")
	if err != nil {
		return made, fmt.Errorf("the folder of the backup cannot be made: %w", err)
	}
	defer os.RemoveAll(partial) //nolint:errcheck // nothing is there any more once it has its name
	if made.Octets, err = backupDatabase(ctx, cl, filepath.Join(partial, app.DatabaseFile)); err != nil {
		return made, err
	}
	if made.Keys, err = copyKeys(filepath.Join(cl.settings.Data, app.KeysFolder), filepath.Join(partial, app.KeysFolder)); err != nil {
		return made, err
	}
	if err := os.Rename(partial, folder); err != nil {
		return made, fmt.Errorf("the backup cannot be put in its place: %w", err)
	}
	return made, nil
}

// backupDatabase lets the server write the copy where it surely may, into its data folder, and takes it from there.
func backupDatabase(ctx context.Context, cl *client, to string) (int64, error) {
	data, err := filepath.Abs(cl.settings.Data)
	if err != nil {
		return 0, err
	}
	written := filepath.Join(data, ".backup-"+strings.ToLower(rand.Text())+".tmp")
	defer os.Remove(written) //nolint:errcheck // moved away, or never written
	if err := cl.Backup(ctx, written); err != nil {
		return 0, err
	}
	info, err := os.Stat(written)
	if err != nil {
		return 0, err
	}
	if os.Rename(written, to) == nil {
		return info.Size(), nil
	}
	return info.Size(), copyFile(written, to)
}

// copyKeys copies the key files of a folder into a new one, 0600 in 0700, and returns how many there are.
func copyKeys(from, to string) (int, error) {
	if err := durable.MkdirAll(to); err != nil {
		return 0, err
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return 0, err
	}
	copied := 0
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") || !e.Type().IsRegular() { // a hidden file is one that is being written
			continue
		}
		key, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err != nil {
			return copied, err
		}
		if err := durable.CreateFile(filepath.Join(to, e.Name()), key, 0o600); err != nil {
			return copied, err
		}
		copied++
	}
	return copied, nil
}

// copyFile copies a file of any size to a new one, 0600, and returns when it is on the disk.
func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	if err == nil {
		err = target.Sync()
	}
	return errors.Join(err, target.Close())
}
