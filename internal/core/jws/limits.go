package jws

// Bounds of what a stranger may send, in octets unless said otherwise.
const (
	MaxBody  = 64 << 10 // a whole JWS; a certificate request with 100 names needs about 8 KiB
	MaxURL   = 2 << 10  // the "url" header, and the "kid" header of an account
	MaxNonce = 128      // the "nonce" header; RFC 8555 section 6.5.1 sets no bound
	MaxKeyID = 256      // the "kid" header of an external account binding

	MinRSABits = 2048
	MaxRSABits = 4096 // verification time grows with the square of the size

	maxRSAExponent = 1<<31 - 1 // the most that crypto/rsa verifies with
)
