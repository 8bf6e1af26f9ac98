package keyring

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/everleaf-pki/everleaf/internal/durable"
)

// PassphraseChange is what ChangePassphrase did, by the names of the keys; "sealing" is the sealing key.
type PassphraseChange struct {
	Changed []string // encrypted by this call
	Kept    []string // the new passphrase opened them before
}

// ChangePassphrase encrypts every key, the sealing key too, under next: those that are plain, and those that the ring's
// passphrase opens. Then it removes what a stopped machine left of files that were being written, so that nothing in the
// folder opens without next. The ring itself keeps the old passphrase: open the folder again.
//
// Each file is replaced in one step, after the new one was read back and gave the same key: at every moment every key
// opens with the old passphrase or the new one. A call that was stopped is finished by a second one with the same two.
// All keys are opened before the first is written: after an error about a passphrase, which wraps ErrNoPassphrase or
// ErrWrongPassphrase, or about a damaged file, nothing was changed.
//
// A key that another process writes meanwhile may be missed: the caller holds the data folder alone.
func (r *Keyring) ChangePassphrase(ctx context.Context, next []byte) (PassphraseChange, error) {
	var change PassphraseChange
	if len(next) == 0 {
		return change, errors.New("the new passphrase is empty; choose one")
	}
	all, err := r.secrets(next)
	if err != nil {
		return change, err
	}
	for _, s := range all {
		if s.done {
			change.Kept = append(change.Kept, s.name)
			continue
		}
		if err := ctx.Err(); err != nil {
			return change, tell(err, "the change was interrupted when %d of %d keys had the new passphrase; %s",
				len(change.Kept)+len(change.Changed), len(all), finishHint)
		}
		if err := r.rewrite(s, protection{next, r.protection.iterations}); err != nil {
			return change, tell(err, "the key file %s cannot be replaced: %v; every key opens with the old passphrase or the new one. Mend that, then %s",
				r.path(s.name), reason(err), finishHint)
		}
		change.Changed = append(change.Changed, s.name)
	}
	if err := durable.Sweep(r.dir); err != nil {
		return change, tell(err, "every key has the new passphrase, but a temporary file in %s cannot be removed: %v; %s", r.dir, reason(err), finishHint)
	}
	return change, nil
}

const finishHint = "run the same command again, with the same two passphrases, to finish it"

// secret is a key of either kind as it is written.
type secret struct {
	name  string
	label string // of the PEM block, when it is not encrypted
	der   []byte
	done  bool // the file is under the new passphrase
}

// secrets opens all keys, with the ring's passphrase or the next one.
func (r *Keyring) secrets(next []byte) ([]secret, error) {
	names, err := r.files()
	if err != nil {
		return nil, unreadable("folder of the keys", r.dir, missingKeyHint, err)
	}
	all := make([]secret, 0, len(names))
	for _, name := range names {
		text, err := readPrivate(r.path(name))
		if err != nil {
			return nil, err
		}
		s, err := openSecret(name, text, next)
		s.done = err == nil && isEncrypted(text)
		if err != nil {
			s, err = openSecret(name, text, r.protection.passphrase)
		}
		switch {
		case errors.Is(err, ErrWrongPassphrase):
			return nil, tell(err, "neither the present nor the new passphrase opens the key file %s; nothing was changed. Give the present one with %s", r.path(name), passphraseHint)
		case errors.Is(err, ErrNoPassphrase):
			return nil, tell(err, "the key file %s is encrypted, and not with the new passphrase; nothing was changed. Give the present one with %s", r.path(name), passphraseHint)
		case err != nil:
			return nil, r.explain(name, err)
		}
		all = append(all, s)
	}
	return all, nil
}

// openSecret reads the key of that name from the text of its file.
func openSecret(name string, text, passphrase []byte) (secret, error) {
	if name == sealingName {
		key, err := parseSealingKey(text, passphrase, maxIterations)
		if err != nil {
			return secret{}, err
		}
		der, err := marshalSealingKey(key)
		return secret{name: name, label: sealingKeyLabel, der: der}, err
	}
	key, err := parsePrivateKey(text, passphrase, maxIterations)
	if err != nil {
		return secret{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return secret{name: name, label: privateKeyLabel, der: der}, err
}

// rewrite puts the secret under another protection.
func (r *Keyring) rewrite(s secret, p protection) error {
	text, err := encode(s.label, s.der, p)
	if err != nil {
		return err
	}
	err = durable.ReplaceFile(r.path(s.name), text, privateFile, func(temporary string) error {
		return confirm(s, temporary, p.passphrase)
	})
	if err == nil {
		r.note(s.name, isEncrypted(text))
	}
	return err
}

// confirm reads the file at path back and decides whether it holds the secret, private half and all.
func confirm(s secret, path string, passphrase []byte) error {
	written, err := readPrivate(path)
	if err != nil {
		return err
	}
	again, err := openSecret(s.name, written, passphrase)
	if err != nil {
		return fmt.Errorf("the new file does not open: %w", err)
	}
	if !bytes.Equal(again.der, s.der) {
		return errors.New("the new file holds another key")
	}
	return nil
}
