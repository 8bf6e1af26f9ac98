package pki_test

import (
	"crypto"
	"crypto/dsa" //nolint:staticcheck // a type of key that has to be refused
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"math/big"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

func newECDSA(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newRSA(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestCheckKeyAcceptsSoundKeys(t *testing.T) {
	t.Parallel()
	ed, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]crypto.PublicKey{
		"P-256":    newECDSA(t, elliptic.P256()).Public(),
		"P-384":    newECDSA(t, elliptic.P384()).Public(),
		"RSA 2048": newRSA(t, 2048).Public(),
		"RSA 2056": newRSA(t, 2056).Public(),
		"RSA 3072": newRSA(t, 3072).Public(),
		"Ed25519":  ed,
	} {
		if err := pki.CheckKey(key, pki.SubjectKeyTypes()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// STANDARDS BR-04 and INCIDENTS 84: what no certificate may hold.
// Proves BR-04, INC-84, INC-108.
func TestCheckKeyRefuses(t *testing.T) {
	t.Parallel()
	sound := newRSA(t, 2048).PublicKey
	with := func(change func(*rsa.PublicKey)) *rsa.PublicKey {
		key := rsa.PublicKey{N: new(big.Int).Set(sound.N), E: sound.E}
		change(&key)
		return &key
	}
	bits := func(n int) *rsa.PublicKey {
		return with(func(k *rsa.PublicKey) { k.N = new(big.Int).SetBit(big.NewInt(1), n-1, 1) })
	}
	offCurve := newECDSA(t, elliptic.P256()).PublicKey
	offCurve.Y = new(big.Int).Add(offCurve.Y, big.NewInt(1)) //nolint:staticcheck // the only way to such a key

	for name, c := range map[string]struct {
		key      crypto.PublicKey
		sentence string
	}{
		"none":             {nil, "not supported"},
		"DSA":              {&dsa.PublicKey{}, "not supported; use one of: ecdsa-p256, ecdsa-p384, rsa, ed25519"},
		"P-224":            {newECDSA(t, elliptic.P224()).Public(), "not supported"},
		"P-521":            {newECDSA(t, elliptic.P521()).Public(), "not supported"},
		"off the curve":    {&offCurve, "does not lie on its curve"},
		"short Ed25519":    {ed25519.PublicKey("short"), "32 octets"},
		"RSA 1024":         {bits(1024), "has 1024 bits; at least 2048"},
		"RSA 2047":         {bits(2047), "has 2047 bits; at least 2048"},
		"RSA 2049":         {bits(2049), "multiple of 8"},
		"RSA 4104":         {bits(4104), "at most 4096"},
		"RSA 16384":        {bits(16384), "at most 4096"},
		"exponent 1":       {with(func(k *rsa.PublicKey) { k.E = 1 }), "exponent"},
		"exponent 3":       {with(func(k *rsa.PublicKey) { k.E = 3 }), "exponent"},
		"exponent 65535":   {with(func(k *rsa.PublicKey) { k.E = 65535 }), "exponent"},
		"exponent 65538":   {with(func(k *rsa.PublicKey) { k.E = 65538 }), "exponent"},
		"exponent 2^31+1":  {with(func(k *rsa.PublicKey) { k.E = 1<<31 + 1 }), "exponent"},
		"even modulus":     {with(func(k *rsa.PublicKey) { k.N = evenModulus() }), "small factor"},
		"divisible by 3":   {with(func(k *rsa.PublicKey) { k.N = multiple(k.N, 3) }), "small factor"},
		"divisible by 751": {with(func(k *rsa.PublicKey) { k.N = multiple(k.N, 751) }), "small factor"},
		"square":           {with(func(k *rsa.PublicKey) { k.N = square(t) }), "so close"},
		"ROCA, found":      {with(func(k *rsa.PublicKey) { k.N = hexadecimal(t, rocaModulus) }), "ROCA"},
		"ROCA, made":       {with(func(k *rsa.PublicKey) { k.N = rocaLike(t) }), "ROCA"},
	} {
		t.Run(name, func(t *testing.T) {
			err := pki.CheckKey(c.key, pki.SubjectKeyTypes())
			if !fault.Is(err, fault.BadPublicKey) || !strings.Contains(fault.Sentence(err), c.sentence) {
				t.Errorf("%v; want a refusal with %q", err, c.sentence)
			}
		})
	}
}

func TestCheckKeyAllowedTypes(t *testing.T) {
	t.Parallel()
	err := pki.CheckKey(newECDSA(t, elliptic.P384()).Public(), []pki.KeyType{pki.ECDSAP256, pki.RSA})
	if want := "Keys of type ecdsa-p384 are not accepted here; use one of: ecdsa-p256, rsa."; fault.Sentence(err) != want {
		t.Errorf("%q, want %q", fault.Sentence(err), want)
	}
}

// The primes lie so that Fermat's method meets them in a known round: round 100 is refused, round 101 is not (BR section
// 6.1.1.3 asks for 100 rounds).
// Proves BR-04, INC-84.
func TestCheckKeyFermatRounds(t *testing.T) {
	t.Parallel()
	for round, weak := range map[int64]bool{1: true, 2: true, 50: true, 100: true, 101: false, 150: false} {
		key := &rsa.PublicKey{N: fermatModulus(t, round), E: 65537}
		err := pki.CheckKey(key, pki.SubjectKeyTypes())
		if weak != (err != nil) || weak && !strings.Contains(fault.Sentence(err), "so close") {
			t.Errorf("round %d: %v", round, err)
		}
	}
}

// fermatModulus returns a^2 - d^2 = (a-d)(a+d) of 2048 bits, without small factors, whose a is the round-th number
// above its root.
func fermatModulus(t *testing.T, round int64) *big.Int {
	t.Helper()
	const size = 1024
	for range 10_000 {
		a, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), size-2))
		if err != nil {
			t.Fatal(err)
		}
		a.SetBit(a, size-1, 1).SetBit(a, size-2, 1)
		// a - sqrt(n) is about d^2/2a: in the middle of the round.
		d := new(big.Int).Mul(a, big.NewInt(2*round-1))
		d.Sqrt(d)
		n := new(big.Int).Mul(new(big.Int).Sub(a, d), new(big.Int).Add(a, d))
		floor := new(big.Int).Sqrt(n)
		if new(big.Int).Sub(a, floor).Int64() == round && n.BitLen() == 2*size && !hasSmallDivisor(n) {
			return n
		}
	}
	t.Fatal("no such modulus")
	return nil
}

func hasSmallDivisor(n *big.Int) bool {
	for p := int64(2); p < 752; p++ {
		if new(big.Int).Mod(n, big.NewInt(p)).Sign() == 0 {
			return true
		}
	}
	return false
}

// evenModulus returns a number of 2048 bits whose only small factor is 2.
func evenModulus() *big.Int {
	half := new(big.Int).SetBit(big.NewInt(1), 2046, 1)
	for hasSmallDivisor(half) {
		half.Add(half, big.NewInt(2))
	}
	return half.Lsh(half, 1)
}

func square(t *testing.T) *big.Int {
	t.Helper()
	p, err := rand.Prime(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	return p.Mul(p, p)
}

// multiple returns an odd multiple of p near n.
func multiple(n *big.Int, p int64) *big.Int {
	m := new(big.Int).Sub(n, new(big.Int).Mod(n, big.NewInt(p)))
	if m.Bit(0) == 0 {
		m.Sub(m, big.NewInt(p))
	}
	return m
}

// rocaModulus is a modulus that a defective chip made: sample mod03 of the discoverers' detection tool
// (crocs-muni/roca).
const rocaModulus = "9dcd7420e420c270a68060eb8b5aa7457a9f6648f86fafed2775cc1f79ae962f1e63f1b9e51c55f9ea6fdc7332e9b005" +
	"8c9ff2eb1fc89855029cf6aafe21e689feb38ac9ffb12f1ce371bb5d0e9aae64161abce74b4244bf68f1edb4411f756a097c8929c1474024" +
	"5ea355f8332d1aa36bb50c7dcb4505da8de02e4e53d38f8df06097da7524df0df93db48eac8cc4af2d3a16257eb2b2adca6ba464e5974fa9" +
	"2550d31b1babf161e7692d00b86e3dd886ecab4abfbe1a8f8cc263ff4af55cdb45f4249a5193925f5e983d762f0b6800943eb0267b08f42e" +
	"d311ce1f5c86eacbc8ce4d3cb7a2fee1ef5641423a1cf4114e5ecf50034a60a412523af9e6f4aa11"

func hexadecimal(t *testing.T, digits string) *big.Int {
	t.Helper()
	n, ok := new(big.Int).SetString(digits, 16)
	if !ok {
		t.Fatal("no number")
	}
	return n
}

// rocaLike multiplies two numbers k*M + 65537^a mod M, as the defective generator made its primes; M is the product of
// the primes up to 701, as for keys of 2048 bits.
func rocaLike(t *testing.T) *big.Int {
	t.Helper()
	m := big.NewInt(1)
	for p := int64(2); p <= 701; p++ {
		if big.NewInt(p).ProbablyPrime(0) {
			m.Mul(m, big.NewInt(p))
		}
	}
	most := new(big.Int).Div(new(big.Int).Lsh(big.NewInt(1), 1024), m)
	factor := func(below, a int64) *big.Int {
		k := new(big.Int).Sub(most, big.NewInt(below))
		f := new(big.Int).Exp(big.NewInt(65537), big.NewInt(a), m)
		return f.Add(f, k.Mul(k, m))
	}
	for below := int64(2); below < 500; below++ {
		n := new(big.Int).Mul(factor(below, 1001), factor(1<<40, 2002))
		if n.BitLen() == 2048 && !hasSmallDivisor(n) {
			return n
		}
	}
	t.Fatal("no such modulus")
	return nil
}

func BenchmarkCheckKey(b *testing.B) {
	for name, key := range map[string]crypto.PublicKey{
		"P-256":    newECDSA(b, elliptic.P256()).Public(),
		"RSA-2048": newRSA(b, 2048).Public(),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := pki.CheckKey(key, pki.SubjectKeyTypes()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
