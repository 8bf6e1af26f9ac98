package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/config"
)

// reloader reads the settings of a server again while it runs.
type reloader struct {
	sources config.Sources
	level   *slog.LevelVar
	log     *slog.Logger

	mu     sync.Mutex // one at a time
	values []config.Value
}

// reload takes over what can change while the server runs, and refuses a change of anything else, so that nobody believes
// that it happened. After an error everything is as before.
func (r *reloader) reload(context.Context) (adminapi.Reloaded, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	done := adminapi.Reloaded{File: r.sources.File, Read: r.hasFile()}
	file := slog.String("file", done.File)
	settings, values, err := config.Resolve(r.sources)
	if err == nil {
		done.Changes, err = compare(r.values, values)
	}
	if err != nil {
		r.log.Error("the settings were not reloaded; the old ones stay in force", file, slog.Bool("read", done.Read), slog.Any("error", err))
		return adminapi.Reloaded{}, err
	}
	r.values = values
	r.level.Set(settings.LogLevel)
	r.log.Info("the settings were reloaded", file, slog.Bool("read", done.Read), slog.Any("changes", describe(done.Changes)))
	return done, nil
}

func (r *reloader) hasFile() bool {
	_, err := os.Stat(r.sources.File)
	return err == nil
}

// compare returns what changed, or the error that something did that needs a restart. Both lists are in the order of
// the table.
func compare(before, after []config.Value) ([]adminapi.SettingChange, error) {
	changes := []adminapi.SettingChange{}
	var fixed []adminapi.SettingChange
	for i, v := range after {
		if slices.Equal(v.Values, before[i].Values) {
			continue
		}
		change := adminapi.SettingChange{Name: v.Name, From: before[i].Values, To: v.Values, Source: v.Source}
		if v.Live {
			changes = append(changes, change)
		} else {
			fixed = append(fixed, change)
		}
	}
	if len(fixed) > 0 {
		return nil, fmt.Errorf("nothing was taken over, since this needs a restart of the server: %s", strings.Join(describe(fixed), "; "))
	}
	return changes, nil
}

// describe says each change for a person.
func describe(changes []adminapi.SettingChange) []string {
	out := []string{}
	for _, c := range changes {
		out = append(out, fmt.Sprintf("%s from %s to %s (%s)", c.Name, valueText(c.From), valueText(c.To), c.Source))
	}
	return out
}

func valueText(values []string) string {
	if len(values) == 0 {
		return "nothing"
	}
	return strings.Join(values, ", ")
}

// tellReloaded says what a reload read and what it changed.
func tellReloaded(done adminapi.Reloaded) string {
	read := done.File + " was read"
	if !done.Read {
		read = "There is no file " + done.File
	}
	if len(done.Changes) == 0 {
		return read + "; no setting has changed."
	}
	return read + ". Changed: " + strings.Join(describe(done.Changes), "; ") + "."
}
