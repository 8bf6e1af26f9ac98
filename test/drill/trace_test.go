package drill

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// act is one system call on a file of the database, as strace saw it.
type act struct {
	start, end time.Time
	kind       string // "write", "sync", "truncate", "unlink"
	file       string // base name
	offset     int64  // of a write; the size of a truncate
	data       []byte
}

// traced returns the command line that runs a command under strace, with every change of the database's files recorded.
func traced(trace, data string, command ...string) []string {
	all := []string{
		"strace", "-ff", "-qq", "-ttt", "-T", "-y", "-xx", "-s", "8000000", "-e", "signal=none",
		"-e", "trace=pwrite64,write,pwritev,fsync,fdatasync,ftruncate,unlink,unlinkat", "-o", trace,
	}
	for _, suffix := range []string{"", "-wal", "-journal"} {
		all = append(all, "-P", filepath.Join(data, "everleaf.db"+suffix))
	}
	return append(all, command...)
}

// call is a finished system call: time, name, arguments, result, duration.
var call = regexp.MustCompile(`^(\d+\.\d+) (\w+)\((.*)\) += (-?\d+).* <(\d+\.\d+)>$`)

// readTrace returns the acts of all threads in the sequence of their beginning.
func readTrace(t *testing.T, trace string) []act {
	t.Helper()
	files, err := filepath.Glob(trace + ".*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no trace: %v", err)
	}
	var acts []act
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 64<<20)
		for lines.Scan() {
			if m := call.FindStringSubmatch(lines.Text()); m != nil && !strings.HasPrefix(m[4], "-") {
				a, err := parseAct(m)
				if err != nil {
					t.Fatalf("%s: %v", file, err)
				}
				acts = append(acts, a)
			}
		}
		if err := lines.Err(); err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
	}
	slices.SortFunc(acts, func(a, b act) int { return a.start.Compare(b.start) })
	return acts
}

func parseAct(m []string) (act, error) {
	seconds, err := strconv.ParseFloat(m[5], 64)
	if err != nil {
		return act{}, err
	}
	start, err := epoch(m[1])
	if err != nil {
		return act{}, err
	}
	a := act{start: start, end: start.Add(time.Duration(seconds * float64(time.Second)))}
	arguments := strings.Split(m[3], ", ")
	a.file, err = fileOf(arguments)
	if err != nil {
		return a, err
	}
	switch m[2] {
	case "fsync", "fdatasync":
		a.kind = "sync"
	case "unlink", "unlinkat":
		a.kind = "unlink"
	case "ftruncate":
		a.kind = "truncate"
		a.offset, err = strconv.ParseInt(arguments[1], 10, 64)
	case "pwrite64":
		a.kind = "write"
		if a.data, err = unhex(arguments[1]); err == nil {
			a.offset, err = strconv.ParseInt(arguments[3], 10, 64)
		}
	default:
		err = fmt.Errorf("a call that this test does not know: %s", m[2])
	}
	return a, err
}

func epoch(text string) (time.Time, error) {
	whole, fraction, _ := strings.Cut(text, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Time{}, err
	}
	micros, err := strconv.ParseInt(fraction, 10, 64)
	return time.Unix(seconds, micros*1000), err
}

// fileOf returns the file that a call is about: the decoration of a descriptor, or the last path among its arguments.
func fileOf(arguments []string) (string, error) {
	text := arguments[0]
	if i := strings.Index(text, "<"); i >= 0 && !strings.Contains(text, "AT_FDCWD") {
		text = strings.TrimSuffix(text[i+1:], ">")
	} else if len(arguments) > 1 {
		text = arguments[1]
	}
	path, err := unhex(text)
	return filepath.Base(string(path)), err
}

// unhex reads what strace writes with -xx.
func unhex(text string) ([]byte, error) {
	return hex.DecodeString(strings.ReplaceAll(strings.Trim(text, `"`), `\x`, ""))
}

// disk is what survives a power cut: of each file, the writes before its last finished sync.
type disk map[string][]byte

// powerCut returns the files as they are on the disk when the power goes at the given moment. What was written and not yet
// synced is lost, except for those writes that survives chooses: a disk may write in any order.
func powerCut(acts []act, moment time.Time, survives func() bool) disk {
	synced := map[string]time.Time{} // the beginning of the last sync that ended before the moment
	for _, a := range acts {
		if a.kind == "sync" && !a.end.After(moment) {
			synced[a.file] = a.start
		}
	}
	files := disk{}
	for _, a := range acts {
		if a.start.After(moment) {
			break
		}
		durable := a.end.Before(synced[a.file])
		if a.kind == "unlink" || durable || a.kind == "write" && survives() {
			files.apply(a)
		}
	}
	return files
}

func (d disk) apply(a act) {
	switch a.kind {
	case "unlink":
		delete(d, a.file)
	case "truncate":
		d[a.file] = sized(d[a.file], int(a.offset))
	case "write":
		end := int(a.offset) + len(a.data)
		d[a.file] = sized(d[a.file], max(end, len(d[a.file])))
		copy(d[a.file][a.offset:], a.data)
	}
}

func sized(b []byte, size int) []byte {
	if size <= len(b) {
		return b[:size]
	}
	return append(b, make([]byte, size-len(b))...)
}

// put writes the files into a folder.
func (d disk) put(t *testing.T, folder string) {
	t.Helper()
	for name, content := range d {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPowerCutKeepsWhatWasSynced(t *testing.T) {
	at := func(ms int) time.Time { return time.UnixMilli(int64(ms)) }
	acts := []act{
		{start: at(1), end: at(2), kind: "write", file: "f", data: []byte("abc")},
		{start: at(3), end: at(5), kind: "sync", file: "f"},
		{start: at(6), end: at(7), kind: "write", file: "f", offset: 1, data: []byte("XYZ")},
		{start: at(8), end: at(10), kind: "sync", file: "f"},
	}
	for moment, want := range map[int]string{4: "", 5: "abc", 9: "abc", 10: "aXYZ"} {
		if got := string(powerCut(acts, at(moment), func() bool { return false })["f"]); got != want {
			t.Errorf("at %d: %q, want %q", moment, got, want)
		}
	}
	if got := string(powerCut(acts, at(9), func() bool { return true })["f"]); got != "aXYZ" {
		t.Errorf("a write that the disk did on its own is %q", got)
	}
}
