package keyring_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/ca/keyring"
)

func TestPassphraseSources(t *testing.T) {
	file := passphraseFile(t, "from the file\n")
	credentials := t.TempDir()
	writePrivate(t, filepath.Join(credentials, "everleaf-passphrase"), "from the credential\n")
	credentialOnly := map[string]string{"CREDENTIALS_DIRECTORY": credentials}
	tests := []struct {
		name, file string
		env        map[string]string
		want       string
	}{
		{"file", file, nil, "from the file"},
		{"environment", "", map[string]string{"EVERLEAF_PASSPHRASE": "from the environment"}, "from the environment"},
		{"credential", "", credentialOnly, "from the credential"},
		{"file that is the credential", credentials + "/./everleaf-passphrase", credentialOnly, "from the credential"},
		{"empty variable counts as unset", "", map[string]string{"EVERLEAF_PASSPHRASE": "", "CREDENTIALS_DIRECTORY": credentials}, "from the credential"},
		{"file beside credentials of another kind", file, map[string]string{"CREDENTIALS_DIRECTORY": t.TempDir()}, "from the file"},
		{"credentials of another kind", "", map[string]string{"CREDENTIALS_DIRECTORY": t.TempDir()}, ""},
		{"none", "", nil, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := keyring.ReadPassphrase(t.TempDir(), test.file, env(test.env))
			if err != nil || string(got) != test.want {
				t.Errorf("got %q, %v, want %q", got, err, test.want)
			}
			if test.want == "" && got != nil {
				t.Errorf("got %q, want nil", got)
			}
		})
	}
}

// The new passphrase has names of its own, so that both can be given at once.
func TestNewPassphraseSources(t *testing.T) {
	credentials := t.TempDir()
	writePrivate(t, filepath.Join(credentials, "everleaf-passphrase"), "present\n")
	writePrivate(t, filepath.Join(credentials, "everleaf-new-passphrase"), "new credential\n")
	for _, test := range []struct {
		file string
		env  map[string]string
		want string
	}{
		{passphraseFile(t, "new file\n"), map[string]string{"EVERLEAF_PASSPHRASE": "present"}, "new file"},
		{"", map[string]string{"EVERLEAF_PASSPHRASE": "present", "EVERLEAF_NEW_PASSPHRASE": "new variable"}, "new variable"},
		{"", map[string]string{"EVERLEAF_PASSPHRASE": "present", "CREDENTIALS_DIRECTORY": credentials}, "new credential"},
		{"", map[string]string{"EVERLEAF_PASSPHRASE": "present"}, ""},
	} {
		if got, err := keyring.ReadNewPassphrase(t.TempDir(), test.file, env(test.env)); err != nil || string(got) != test.want {
			t.Errorf("got %q, %v, want %q", got, err, test.want)
		}
	}
	_, err := keyring.ReadNewPassphrase(t.TempDir(), "/none", env(nil))
	requireRefusal(t, err, "the passphrase file /none does not exist; name the right one with --new-passphrase-file")
}

// Which of two sources counts would be a guess, so both are named.
func TestTwoPassphraseSourcesAreRefused(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"everleaf-passphrase", "everleaf-new-passphrase"} {
		writePrivate(t, filepath.Join(folder, name), "secret\n")
	}
	for _, kind := range []struct {
		read                       func(string, string, func(string) string) ([]byte, error)
		flag, variable, credential string
	}{
		{keyring.ReadPassphrase, "--passphrase-file", "EVERLEAF_PASSPHRASE", "everleaf-passphrase"},
		{keyring.ReadNewPassphrase, "--new-passphrase-file", "EVERLEAF_NEW_PASSPHRASE", "everleaf-new-passphrase"},
	} {
		file, variable, credential := "the file /f ("+kind.flag+")", "$"+kind.variable, "the systemd credential "+kind.credential
		for _, test := range []struct {
			file, value, folder string
			want                []string
		}{
			{"/f", "x", "", []string{file, variable}},
			{"/f", "", folder, []string{file, credential}},
			{"", "x", folder, []string{variable, credential}},
			{"/f", "x", folder, []string{file, variable, credential}},
		} {
			_, err := kind.read(t.TempDir(), test.file, env(map[string]string{kind.variable: test.value, "CREDENTIALS_DIRECTORY": test.folder}))
			requireRefusal(t, err, "the passphrase is given more than once, by "+strings.Join(test.want, " and by ")+"; keep one of them")
		}
	}
}

func TestTypedPassphrase(t *testing.T) {
	for typed, refusal := range map[string]string{"correct horse": "", "": "the passphrase that was typed is empty", strings.Repeat("x", 1001): "more than 1000 octets"} {
		got, err := keyring.CheckTyped([]byte(typed))
		requireRefusal(t, err, refusal)
		if refusal == "" && string(got) != typed {
			t.Errorf("got %q, want %q", got, typed)
		}
	}
}

func TestPassphraseText(t *testing.T) {
	tests := []struct{ name, content, want, refusal string }{
		{name: "no newline", content: "secret", want: "secret"},
		{name: "newline", content: "secret\n", want: "secret"},
		{name: "newline of windows", content: "secret\r\n", want: "secret"},
		{name: "spaces belong to it", content: " secret \t\n", want: " secret \t"},
		{name: "the longest", content: strings.Repeat("x", 1000) + "\r\n", want: strings.Repeat("x", 1000)},
		{name: "too long", content: strings.Repeat("x", 1001), refusal: "more than 1000 octets"},
		{name: "endless", content: strings.Repeat("x", 1<<20), refusal: "more than 1002 octets"},
		{name: "empty", content: "", refusal: "is empty"},
		{name: "only a newline", content: "\n", refusal: "is empty"},
		{name: "two lines", content: "secret\nother\n", refusal: "more than one line"},
		{name: "blank line after", content: "secret\n\n", refusal: "more than one line"},
		{name: "NUL", content: "se\x00cret", refusal: "or a NUL"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := keyring.ReadPassphrase(t.TempDir(), passphraseFile(t, test.content), env(nil))
			requireRefusal(t, err, test.refusal)
			if string(got) != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestPassphraseVariableIsOneLine(t *testing.T) {
	_, err := keyring.ReadPassphrase(t.TempDir(), "", env(map[string]string{"EVERLEAF_PASSPHRASE": "two\nlines"}))
	requireRefusal(t, err, "the passphrase in $EVERLEAF_PASSPHRASE has more than one line")
}

func TestMissingPassphraseFile(t *testing.T) {
	got, err := keyring.ReadPassphrase(t.TempDir(), filepath.Join(t.TempDir(), "missing"), env(nil))
	if !errors.Is(err, fs.ErrNotExist) || got != nil {
		t.Errorf("got %q, %v, want fs.ErrNotExist", got, err)
	}
}

// DESIGN section 9: never a passphrase beside the key.
func TestPassphraseInTheDataFolderIsRefused(t *testing.T) {
	data := t.TempDir()
	deep := filepath.Join(data, "a", "b")
	if err := os.MkdirAll(deep, 0o700); err != nil {
		t.Fatal(err)
	}
	const refusal = "so whoever copies the folder has the keys and the passphrase"
	for _, folder := range []string{data, deep} {
		file := filepath.Join(folder, "everleaf-passphrase")
		writePrivate(t, file, "secret\n")
		_, err := keyring.ReadPassphrase(data, file, env(nil))
		requireRefusal(t, err, refusal)
		_, err = keyring.ReadPassphrase(data, "", env(map[string]string{"CREDENTIALS_DIRECTORY": folder}))
		requireRefusal(t, err, refusal)
		_, err = keyring.ReadPassphrase(deep+"/../..", folder+"/../"+filepath.Base(folder)+"/everleaf-passphrase", env(nil))
		requireRefusal(t, err, refusal)
	}
}

func TestPassphraseBesideTheDataFolder(t *testing.T) {
	parent := t.TempDir()
	file := filepath.Join(parent, "data-passphrase")
	writePrivate(t, file, "secret\n")
	for _, data := range []string{filepath.Join(parent, "data"), filepath.Join(parent, "data-not-made-yet")} {
		if strings.HasSuffix(data, "data") {
			if err := os.Mkdir(data, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := keyring.ReadPassphrase(data, file, env(nil)); err != nil || string(got) != "secret" {
			t.Errorf("%s: got %q, %v", data, got, err)
		}
	}
}

func TestRelativePassphraseFileInTheDataFolderIsRefused(t *testing.T) {
	data := t.TempDir()
	writePrivate(t, filepath.Join(data, "passphrase"), "secret")
	t.Chdir(data)
	for _, dir := range []string{".", data} {
		_, err := keyring.ReadPassphrase(dir, "passphrase", env(nil))
		requireRefusal(t, err, "lies in the data folder")
	}
}

func env(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func passphraseFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "passphrase")
	writePrivate(t, path, content)
	return path
}

func writePrivate(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// requireRefusal fails unless err says want; "" is for no error.
func requireRefusal(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("got %v", err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("got %v, want %q in it", err, want)
	}
}
