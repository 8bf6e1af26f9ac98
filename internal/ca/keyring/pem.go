package keyring

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/everleaf-pki/everleaf/internal/ca/keyring/pbes2"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// MaxPEM is the size of the largest file that is read as a key, in octets.
const MaxPEM = 64 << 10

const (
	maxKey        = 8 << 10    // octets of DER; RSA of 4096 bits has 2.4 kB, and the time to check one grows with its cube
	maxIterations = 10_000_000 // PBKDF2 rounds; some seconds

	encryptedPrefix   = "ENCRYPTED "
	privateKeyLabel   = "PRIVATE KEY"            // RFC 7468 section 10; with the prefix section 11
	sealingKeyLabel   = "EVERLEAF SEALING KEY"   // with the prefix: the same PBES2 around it
	pkcs1Label        = "RSA " + privateKeyLabel // what openssl wrote before PKCS#8
	sec1Label         = "EC " + privateKeyLabel
	passphraseHint    = "--passphrase-file FILE, $" + PassphraseVariable + " or the systemd credential " + PassphraseCredential
	missingKeyHint    = "put it back from a backup"
	ownPassphraseHint = "Name the file of its passphrase with --import-passphrase-file (init), --key-passphrase-file (ca import) or --parent-key-passphrase-file (ca next)."
	ownKeyHint        = "Name the right file with --import-key (init), --key (ca import) or --parent-key (ca next)."
	convertSuggested  = "convert it with: openssl pkcs8 -topk8 -v2 aes-256-cbc -in OLD -out NEW"
)

// Errors about passphrases; each is wrapped with the file.
var (
	ErrNoPassphrase    = errors.New("the key is encrypted and no passphrase was given")
	ErrWrongPassphrase = errors.New("the passphrase is wrong, or the file is damaged")
)

// ParsePrivateKey reads an issuer's key from PEM as openssl writes it: PKCS#8 plain or encrypted by PBES2, PKCS#1 and
// SEC1 plain. Certificates and parameters around it are passed over; a second key is refused. The passphrase is used
// only when the key is encrypted. Errors are fault.Malformed and wrap ErrNoPassphrase and ErrWrongPassphrase.
func ParsePrivateKey(text, passphrase []byte) (crypto.Signer, error) {
	key, err := parsePrivateKey(text, passphrase, maxIterations)
	switch {
	case errors.Is(err, ErrNoPassphrase), errors.Is(err, ErrWrongPassphrase):
		return nil, fault.Wrap(err, fault.Malformed, "The private key cannot be used: %v. %s", err, ownPassphraseHint)
	case err != nil:
		return nil, fault.Wrap(err, fault.Malformed, "The private key cannot be used: %v. %s", err, ownKeyHint)
	}
	return key, nil
}

// Parse is ParsePrivateKey, for those who know a keyring only.
func (*Keyring) Parse(text, passphrase []byte) (crypto.Signer, error) {
	return ParsePrivateKey(text, passphrase)
}

func parsePrivateKey(text, passphrase []byte, maxIterations int) (crypto.Signer, error) {
	block, err := onlyBlock(text, privateKeyLabel)
	if err != nil {
		return nil, err
	}
	der, err := open(block, passphrase, maxIterations)
	if err != nil {
		return nil, err
	}
	key, err := parseDER(block.Type, der)
	if err != nil {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("it is a key for key agreement, which cannot sign; " + issuersHave)
	}
	if err := checkKind(signer); err != nil {
		return nil, err
	}
	return signer, nil
}

func parseDER(label string, der []byte) (key any, err error) {
	switch label {
	case privateKeyLabel, encryptedPrefix + privateKeyLabel:
		key, err = x509.ParsePKCS8PrivateKey(der)
	case pkcs1Label:
		key, err = x509.ParsePKCS1PrivateKey(der)
	case sec1Label:
		key, err = x509.ParseECPrivateKey(der)
	default:
		return nil, fmt.Errorf("a PEM block of type %q is not supported; %s", label, convertSuggested)
	}
	if err != nil {
		return nil, tell(err, "its PEM block of type %q holds no key that is known here, or is damaged", label)
	}
	return key, nil
}

// onlyBlock returns the one PEM block of text whose type ends in label.
func onlyBlock(text []byte, label string) (*pem.Block, error) {
	if len(text) > MaxPEM {
		return nil, fmt.Errorf("it has more than %d octets, too many for a key", MaxPEM)
	}
	var found *pem.Block
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if !strings.HasSuffix(block.Type, label) {
			continue
		}
		if found != nil {
			return nil, errors.New("there is more than one key in it")
		}
		found = block
	}
	if found == nil {
		return nil, fmt.Errorf("there is no PEM block of type %q in it, or it is damaged", label)
	}
	return found, nil
}

// open returns the DER in block, decrypted where it is encrypted: exactly one SEQUENCE, which also tells the right
// passphrase from the one wrong passphrase in 256 that the padding lets through.
func open(block *pem.Block, passphrase []byte, maxIterations int) ([]byte, error) {
	switch {
	case len(block.Bytes) > maxKey:
		return nil, fmt.Errorf("it has %d octets of DER, too many for a key", len(block.Bytes))
	case len(block.Headers) != 0:
		return nil, fmt.Errorf("it is encrypted in the form that preceded PKCS#8, which is weak; %s", convertSuggested)
	case !strings.HasPrefix(block.Type, encryptedPrefix):
		if !isSequence(block.Bytes) {
			return nil, errors.New("its content is damaged: it is not DER")
		}
		return block.Bytes, nil
	case len(passphrase) == 0:
		return nil, ErrNoPassphrase
	}
	der, err := pbes2.Decrypt(block.Bytes, passphrase, maxIterations)
	switch {
	case errors.Is(err, pbes2.ErrUnsupported):
		return nil, fmt.Errorf("%w; %s", err, convertSuggested)
	case errors.Is(err, pbes2.ErrMalformed):
		return nil, tell(err, "its encryption is damaged")
	case errors.Is(err, pbes2.ErrPassphrase), err == nil && !isSequence(der):
		return nil, ErrWrongPassphrase
	}
	return der, err
}

// isSequence reports whether der is one SEQUENCE and nothing more.
func isSequence(der []byte) bool {
	var value asn1.RawValue
	rest, err := asn1.Unmarshal(der, &value)
	return err == nil && len(rest) == 0 && value.Class == asn1.ClassUniversal && value.Tag == asn1.TagSequence
}

// encodePrivateKey returns the ring's form of a key.
func (r *Keyring) encodePrivateKey(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return encode(privateKeyLabel, der, r.protection)
}

// protection is how secrets are encrypted.
type protection struct {
	passphrase []byte // empty: not at all
	iterations int    // PBKDF2 rounds
}

// encode returns the PEM of der, encrypted when there is a passphrase.
func encode(label string, der []byte, p protection) ([]byte, error) {
	if len(p.passphrase) == 0 {
		return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}), nil
	}
	encrypted, err := pbes2.Encrypt(der, p.passphrase, p.iterations)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: encryptedPrefix + label, Bytes: encrypted}), nil
}

// isEncrypted reports whether text announces an encrypted key.
func isEncrypted(text []byte) bool {
	return bytes.Contains(text, []byte("-----BEGIN "+encryptedPrefix))
}
