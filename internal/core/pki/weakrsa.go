package pki

import (
	"math/big"
	"sync"
)

// fermatRounds is how many steps of Fermat's method a modulus has to withstand (BR section 6.1.1.3).
const fermatRounds = 100

// smallPrimeBound ends the trial division that NIST SP 800-89 section 5.3.3 asks for.
const smallPrimeBound = 752

// rocaPrimeBound ends the primes of the ROCA fingerprint: the product of those up to 167 divides the generator's
// constant for every size of key.
const rocaPrimeBound = 167

// rsaWeakness says what is wrong with a modulus of sound size; "" when nothing is known against it.
func rsaWeakness(modulus *big.Int) string {
	switch {
	case hasSmallFactor(modulus):
		return "its modulus has a small factor"
	case hasROCAFingerprint(modulus):
		return "it comes from a generator with the ROCA defect (CVE-2017-15361)"
	case hasCloseFactors(modulus):
		return "its two primes are so close that the modulus can be factored"
	default:
		return ""
	}
}

// primes are the odd primes below smallPrimeBound, and their product.
type primes struct {
	list    []uint64
	product *big.Int
}

var smallPrimes = sync.OnceValue(func() primes {
	found := primes{product: big.NewInt(1)}
	for n := int64(3); n < smallPrimeBound; n += 2 {
		if p := big.NewInt(n); p.ProbablyPrime(0) {
			found.list = append(found.list, uint64(n))
			found.product.Mul(found.product, p)
		}
	}
	return found
})

func hasSmallFactor(modulus *big.Int) bool {
	if modulus.Bit(0) == 0 {
		return true
	}
	product := smallPrimes().product
	residue := new(big.Int).Mod(modulus, product)
	return residue.GCD(nil, nil, residue, product).BitLen() != 1
}

// hasROCAFingerprint reports whether both primes can have the form k*M + 65537^a mod M of the defective generator: then
// the modulus is a power of 65537 modulo every prime that divides M. A sound modulus passes for one in 2^27 by chance.
func hasROCAFingerprint(modulus *big.Int) bool {
	residue := new(big.Int)
	for _, p := range smallPrimes().list {
		if p > rocaPrimeBound {
			break
		}
		r := residue.Mod(modulus, new(big.Int).SetUint64(p)).Uint64()
		if !isPowerOf65537(r, p) {
			return false
		}
	}
	return true
}

func isPowerOf65537(r, p uint64) bool {
	power := uint64(1)
	for range p {
		if power == r {
			return true
		}
		power = power * 65537 % p
	}
	return false
}

// hasCloseFactors runs Fermat's method: it finds p and q quickly when they lie close together (CVE-2022-26320).
func hasCloseFactors(modulus *big.Int) bool {
	a := new(big.Int).Sqrt(modulus)
	if new(big.Int).Mul(a, a).Cmp(modulus) == 0 {
		return true
	}
	a.Add(a, big.NewInt(1))
	square := new(big.Int).Mul(a, a)
	square.Sub(square, modulus) // a^2 - n, a square as soon as a = (p+q)/2
	step := new(big.Int).Lsh(a, 1)
	step.Add(step, big.NewInt(1)) // (a+1)^2 - a^2
	two := big.NewInt(2)
	for range fermatRounds {
		if isSquare(square) {
			return true
		}
		square.Add(square, step)
		step.Add(step, two)
	}
	return false
}

// squareModulus is odd and has many small factors: one number in 36 is a square by it.
const squareModulus = 3 * 3 * 5 * 7 * 11 * 13

// isSquare takes the root only of what passes two cheap filters.
func isSquare(n *big.Int) bool {
	if low := n.Bit(0) | n.Bit(1)<<1 | n.Bit(2)<<2 | n.Bit(3)<<3; low != 0 && low != 1 && low != 4 && low != 9 {
		return false
	}
	r := new(big.Int).Mod(n, big.NewInt(squareModulus)).Uint64()
	for _, p := range []uint64{9, 5, 7, 11, 13} {
		if !isResidue(r%p, p) {
			return false
		}
	}
	root := new(big.Int).Sqrt(n)
	return root.Mul(root, root).Cmp(n) == 0
}

func isResidue(r, p uint64) bool {
	for x := range p {
		if x*x%p == r {
			return true
		}
	}
	return false
}
