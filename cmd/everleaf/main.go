// Everleaf automates certificates at both ends. This command is all of it.
package main

import (
	"context"
	"os"

	"github.com/everleaf-pki/everleaf/internal/cli"
)

func main() {
	os.Exit(cli.Run(context.Background(), os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}, os.Environ()))
}
