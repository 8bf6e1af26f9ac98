package cli

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// build says which program this is.
type build struct {
	Version  string `json:"version"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func newVersion(c *command) *cobra.Command {
	cmd := &cobra.Command{Use: "version", Short: "Print the version"}
	return c.reader(cmd, func(*cobra.Command, []string) (result, error) {
		b := build{version(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
		return result{data: b, table: func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "everleaf %s (%s, %s)\n", b.Version, b.Go, b.Platform)
			return err
		}}, nil
	})
}

// version is the module's version as the build recorded it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "unknown"
	}
	return info.Main.Version
}
