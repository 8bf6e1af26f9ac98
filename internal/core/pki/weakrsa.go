package pki

import (
	"math"
	"math/big"
	"slices"
)

// fermatRounds is how many steps of Fermat's method a modulus has to withstand (BR section 6.1.1.3).
const fermatRounds = 100

// oddPrimes are those below 752, by which NIST SP 800-89 section 5.3.3 and BR section 6.1.6 have a modulus divided.
var oddPrimes = [...]uint64{
	3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107,
	109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167, 173, 179, 181, 191, 193, 197, 199, 211, 223, 227, 229,
	233, 239, 241, 251, 257, 263, 269, 271, 277, 281, 283, 293, 307, 311, 313, 317, 331, 337, 347, 349, 353, 359,
	367, 373, 379, 383, 389, 397, 401, 409, 419, 421, 431, 433, 439, 443, 449, 457, 461, 463, 467, 479, 487, 491,
	499, 503, 509, 521, 523, 541, 547, 557, 563, 569, 571, 577, 587, 593, 599, 601, 607, 613, 617, 619, 631, 641,
	643, 647, 653, 659, 661, 673, 677, 683, 691, 701, 709, 719, 727, 733, 739, 743, 751,
}

// rocaPrimeBound ends the primes of the ROCA fingerprint: the product of those up to 167 divides the generator's
// constant for every size of key.
const rocaPrimeBound = 167

// rsaWeakness says what is wrong with a modulus of sound size; "" when nothing is known against it.
func rsaWeakness(modulus *big.Int) string {
	remainders := divide(modulus)
	switch {
	case modulus.Bit(0) == 0 || slices.Contains(remainders[:], 0):
		return "its modulus has a small factor"
	case hasROCAFingerprint(remainders):
		return "it comes from a generator with the ROCA defect (CVE-2017-15361)"
	case hasCloseFactors(modulus):
		return "its two primes are so close that the modulus can be factored"
	default:
		return ""
	}
}

// divide returns the remainders of n by oddPrimes, in as few long divisions as there are machine words in the product
// of the primes.
func divide(n *big.Int) (remainders [len(oddPrimes)]uint64) {
	var divisor, quotient, remainder big.Int
	for done := 0; done < len(oddPrimes); {
		product, next := uint64(1), done
		for next < len(oddPrimes) && product <= math.MaxUint64/oddPrimes[next] {
			product *= oddPrimes[next]
			next++
		}
		quotient.QuoRem(n, divisor.SetUint64(product), &remainder)
		for ; done < next; done++ {
			remainders[done] = remainder.Uint64() % oddPrimes[done]
		}
	}
	return remainders
}

// hasROCAFingerprint reports whether both primes can have the form k*M + 65537^a mod M of the defective generator: then
// the modulus is a power of 65537 modulo every prime that divides M. Fewer than one sound modulus in 2^27 looks so by
// chance.
func hasROCAFingerprint(remainders [len(oddPrimes)]uint64) bool {
	for i, p := range oddPrimes {
		if p > rocaPrimeBound {
			return true
		}
		if !isPowerOf65537(remainders[i], p) {
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

// squareModulus is odd and has many small factors: one number in 22 is a square by all of them.
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
