package interop

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// commandLimit is how long one command of a client may take on a slow machine.
const commandLimit = 3 * time.Minute

// expand puts the values in, and keeps what only the test needs.
func (p *place) expand(text string) string {
	text = strings.NewReplacer("[[", "", "]]", "").Replace(text)
	for placeholder, value := range p.values {
		text = strings.ReplaceAll(text, placeholder, value)
	}
	return text
}

// command makes a process of a line of the table.
func (p *place) command(ctx context.Context, line string) *exec.Cmd {
	p.Helper()
	words := strings.Fields(strings.NewReplacer("[[", "", "]]", "").Replace(line))
	environment := []string{"HOME=" + p.values["{DIR}"], "LC_ALL=C.UTF-8", "TZ=UTC"}
	for len(words) > 0 && strings.Contains(words[0], "=") {
		environment = append(environment, p.expand(words[0]))
		words = words[1:]
	}
	var argv []string
	for _, word := range words {
		if inner := strings.Trim(word, "'"); inner != word {
			argv = append(argv, p.expand(inner))
		} else {
			argv = append(argv, strings.Fields(p.expand(word))...)
		}
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = p.values["{DIR}"]
	cmd.Env = append(os.Environ(), environment...)
	cmd.Stdin = strings.NewReader("Y\n") // to a client that asks whether it is meant
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// run runs commands to their end.
func (p *place) run(lines []string) {
	p.Helper()
	for _, line := range lines {
		ctx, cancel := context.WithTimeout(p.Context(), commandLimit)
		cmd := p.command(ctx, line)
		out, err := cmd.CombinedOutput()
		cancel()
		if err != nil {
			p.Fatalf("%s: %v\n%s\nthe server's log ends with:\n%s", cmd, err, out, p.log())
		}
	}
}

// serveWeb stands for the web server in front of a client that puts files into a folder.
func (p *place) serveWeb() {
	p.Helper()
	server := &http.Server{
		Addr: "127.0.0.1:" + p.httpPort, Handler: http.FileServer(http.Dir(p.values["{WEB}"])), ReadHeaderTimeout: time.Minute,
	}
	ended := make(chan struct{})
	go func() { _ = server.ListenAndServe(); close(ended) }()
	p.Cleanup(func() { _ = server.Close(); <-ended })
}

// log returns the end of the server's log.
func (p *place) log() string {
	const enough = 12
	lines := strings.Split(p.server.Log(), "\n")
	return strings.Join(lines[max(0, len(lines)-enough):], "\n")
}

// openssl runs it and returns what it printed; failed says that it ended with an error.
func (p *place) openssl(input []byte, arguments ...string) (out string, failed bool) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.Context(), commandLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "openssl", arguments...)
	cmd.Stdin = strings.NewReader(string(input))
	text, err := cmd.CombinedOutput()
	return string(text), err != nil
}

// get fetches a small document over plain HTTP.
func (p *place) get(url string) []byte {
	p.Helper()
	request, err := http.NewRequestWithContext(p.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		p.Fatal(err)
	}
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		p.Fatal(err)
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(io.LimitReader(reply.Body, 1<<20))
	if err != nil || reply.StatusCode != http.StatusOK {
		p.Fatalf("GET %s: status %d (%v)", url, reply.StatusCode, err)
	}
	return body
}

// waitFor polls a condition that another process brings about.
func (p *place) waitFor(what string, condition func() bool) {
	p.Helper()
	deadline := time.Now().Add(commandLimit)
	for !condition() {
		if time.Now().After(deadline) {
			p.Fatalf("waited in vain until %s; the server's log ends with:\n%s", what, p.log())
		}
		time.Sleep(100 * time.Millisecond)
	}
}
