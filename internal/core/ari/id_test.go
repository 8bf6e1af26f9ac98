package ari_test

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/ari"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// The example of RFC 9773 section 4.1, whose serial number begins with a zero octet.
const (
	exampleAuthority = "69885b6b87464041e1b37b847ba0ae2cde01c8d4"
	exampleID        = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"
)

// Proves AR-01.
func TestTheExampleOfTheRFC(t *testing.T) {
	authority, err := hex.DecodeString(exampleAuthority)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := pki.ParseSerial("00:87:65:43:21")
	if err != nil {
		t.Fatal(err)
	}
	if got := (ari.ID{Authority: authority, Serial: serial}).String(); got != exampleID {
		t.Errorf("it is written %s", got)
	}
	got, err := ari.ParseID(exampleID)
	if err != nil || hex.EncodeToString(got.Authority) != exampleAuthority || got.Serial != serial {
		t.Errorf("it is read as %x %s: %v", got.Authority, got.Serial, err)
	}
}

// What is not the one spelling of an identifier is malformed. Proves AR-03.
func TestMalformedIdentifiers(t *testing.T) {
	encode := base64.RawURLEncoding.EncodeToString
	authority, number, _ := strings.Cut(exampleID, ".")
	for what, text := range map[string]string{
		"nothing":                           "",
		"one part":                          authority,
		"three parts":                       exampleID + ".AQ",
		"a padded first part":               authority + "=.AIdlQyE",
		"a padded second part":              exampleID + "=",
		"a line break":                      authority + "\n." + number,
		"the standard alphabet":             strings.Replace(exampleID, "B", "+", 1) + "/",
		"unused bits that are not zero":     authority + ".AIdlQyF",
		"no key identifier":                 "." + number,
		"no serial number":                  authority + ".",
		"the serial number zero":            authority + "." + encode([]byte{0}),
		"a negative serial number":          authority + "." + encode([]byte{0x87, 0x65, 0x43, 0x21}),
		"a serial number with a zero more":  authority + "." + encode([]byte{0, 0, 0x87}),
		"a serial number with a needless 0": authority + "." + encode([]byte{0, 0x47}),
		"hexadecimal":                       exampleAuthority + ":0087654321",
		"too long":                          encode(make([]byte, 190)) + "." + number,
	} {
		if got, err := ari.ParseID(text); !fault.Is(err, fault.Malformed) {
			t.Errorf("%s: %x %s, error %v", what, got.Authority, got.Serial, err)
		}
	}
}

func TestAMissingPartIsTold(t *testing.T) {
	_, err := ari.ParseID("aYhba4dGQEHhs3uEe6CuLN4ByNQ")
	if want := `no "." between its two parts`; !strings.Contains(fault.Sentence(err), want) {
		t.Errorf("%v, want %q", err, want)
	}
}

// FuzzParseID: an identifier that is read is written again as it was.
func FuzzParseID(f *testing.F) {
	for _, seed := range []string{exampleID, "AA.AQ", ".", "AA.AIA", strings.Repeat("A", 256), "AA.AQ=", "AB.AQ"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		read, err := ari.ParseID(text)
		if err != nil {
			if !fault.Is(err, fault.Malformed) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if read.String() != text || len(read.Authority) == 0 || read.Serial.Int().Sign() <= 0 || pki.SerialOf(read.Serial.Int()) != read.Serial {
			t.Errorf("%q is read as %x %s and written as %q", text, read.Authority, read.Serial, read.String())
		}
	})
}
