package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/app"
	"github.com/everleaf-pki/everleaf/internal/config"
)

// How long a command waits for an installation that another process holds without serving it: a server that starts or
// stops, or another command.
const (
	patience = 5 * time.Second
	pause    = 50 * time.Millisecond
)

// client speaks with an installation.
type client struct {
	*adminapi.Client
	settings config.Config
	live     bool     // its server answers; otherwise this process has opened it
	opened   *app.App // nil when live
}

// withClient calls do with the installation of the command's settings: through its server when that answers, otherwise
// opened for the time of the call. It never makes one.
func (c *command) withClient(cmd *cobra.Command, do func(context.Context, *client) error) error {
	settings, err := c.loadSettings(cmd)
	if err != nil {
		return err
	}
	one, err := c.reach(cmd.Context(), settings)
	if err != nil {
		return err
	}
	err = noAnswer(do(cmd.Context(), one), settings.Data)
	if one.opened != nil {
		err = errors.Join(err, one.opened.Close())
	}
	return err
}

// noAnswer turns the error of a request without answer into the other side's failure.
func noAnswer(err error, data string) error {
	if _, failed := errors.AsType[*url.Error](err); failed {
		return &exit{exitRemote, fmt.Errorf("the server of %s gave no answer: %w", data, err)}
	}
	return err
}

// reach returns the installation, live or opened.
func (c *command) reach(ctx context.Context, settings config.Config) (*client, error) {
	if err := requireInstallation(settings.Data); err != nil {
		return nil, err
	}
	socket := app.SocketPath(settings.Data)
	for deadline := time.Now().Add(c.patience); ; {
		if live, err := answers(ctx, socket); err != nil {
			return nil, err
		} else if live {
			return &client{Client: adminapi.NewClient(adminapi.OverSocket(socket)), settings: settings, live: true}, nil
		}
		opened, err := app.Open(ctx, settings, c.errorLog(), c.env)
		if err == nil {
			door := adminapi.NewClient(adminapi.InProcess(opened.AdminHandler()))
			return &client{Client: door, settings: settings, opened: opened}, nil
		}
		if !errors.Is(err, app.ErrHeld) || time.Now().After(deadline) || wait(ctx, pause) != nil {
			return nil, err
		}
	}
}

// requireInstallation refuses a folder that holds no installation: a slip in a path must not make one.
func requireInstallation(data string) error {
	switch _, err := os.Stat(filepath.Join(data, app.DatabaseFile)); {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s belongs to another user; run this command as that user, for example with sudo -u", data)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no certificate authority in %s; name its folder with --data, or make one with \"everleaf serve\"", data)
	default:
		return err
	}
}

// answers reports whether a server listens on the socket.
func answers(ctx context.Context, socket string) (bool, error) {
	var dialer net.Dialer
	connection, err := dialer.DialContext(ctx, "unix", socket)
	if errors.Is(err, fs.ErrPermission) {
		return false, fmt.Errorf("the server's socket %s is for another user; run this command as that user, for example with sudo -u", socket)
	}
	if err != nil {
		return false, nil //nolint:nilerr // nobody listens: the folder's lock says whether a server lives
	}
	return true, connection.Close()
}

// wait waits for d, or less when ctx ends; then it returns why.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
