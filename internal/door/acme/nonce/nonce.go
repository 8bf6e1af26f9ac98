// Package nonce issues and spends the anti-replay nonces of ACME (RFC 8555 section 6.5).
//
// A nonce is a MAC over node, boot and counter, so that issuing one stores nothing: strangers who ask for nonces cost
// no memory. What is remembered is which nonces were spent, one bit each, in a window of the newest 2^24 of them.
//
// Guarantees: no nonce is spent twice, however many try at once; a nonce that was issued in this run and not yet spent
// is accepted while fewer than 2^24 - 2^15 were issued after it; nonces of another run, of another node and forged ones
// are refused. Memory stays below 2.2 MiB, and near nothing on an idle server. All methods may be called at once.
package nonce

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"sync"
	"sync/atomic"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/strictjson"
)

// A nonce is node | boot | counter | tag, in octets. The whole is a multiple of 3, so that its base64url is dense.
const (
	nodeSize    = 2
	bootSize    = 4
	counterSize = 8
	tagSize     = 16 // 128 bits that nobody can guess
	plainSize   = nodeSize + bootSize + counterSize
	size        = plainSize + tagSize
)

// Identity tells the nonces of one run of one node from all others.
type Identity struct {
	Node uint16
	Boot [bootSize]byte // another one at each start
	Key  [sha256.Size]byte
}

// NewIdentity draws the identity of a run.
func NewIdentity(node uint16) Identity {
	i := Identity{Node: node}
	_, _ = rand.Read(i.Boot[:]) // never fails
	_, _ = rand.Read(i.Key[:])
	return i
}

// Source issues and spends the nonces of one run.
type Source struct {
	macs   sync.Pool // of hash.Hash: a keyed HMAC costs more to make than to use
	prefix [nodeSize + bootSize]byte
	issued atomic.Uint64 // the next counter
	spent  window
}

// New returns a source that has issued nothing yet.
func New(i Identity) *Source {
	s := &Source{macs: sync.Pool{New: func() any { return hmac.New(sha256.New, i.Key[:]) }}}
	binary.BigEndian.PutUint16(s.prefix[:], i.Node)
	copy(s.prefix[nodeSize:], i.Boot[:])
	return s
}

// Issue returns a nonce that was never issued before. It stores nothing.
func (s *Source) Issue() string {
	var octets [size]byte
	copy(octets[:], s.prefix[:])
	binary.BigEndian.PutUint64(octets[len(s.prefix):], s.issued.Add(1)-1)
	tag := s.tag(octets[:plainSize])
	copy(octets[plainSize:], tag[:])
	return base64.RawURLEncoding.EncodeToString(octets[:])
}

// Spend accepts a nonce once. Errors: Malformed for what is not base64url (RFC 8555 section 6.5.2), BadNonce for
// everything else that is not a nonce of this run, or not unspent.
func (s *Source) Spend(nonce string) error {
	octets, err := strictjson.Base64URL(nonce)
	if err != nil {
		return err
	}
	if len(octets) != size {
		return refuse("was not issued by this server")
	}
	if tag := s.tag(octets[:plainSize]); !hmac.Equal(octets[plainSize:], tag[:]) {
		return refuse("was not issued by this server since its start")
	}
	if [nodeSize + bootSize]byte(octets) != s.prefix {
		return refuse("was issued by another server or before the last start")
	}
	if !s.spent.spend(binary.BigEndian.Uint64(octets[len(s.prefix):])) {
		return refuse("was used before, or is too old")
	}
	return nil
}

func (s *Source) tag(plain []byte) [tagSize]byte {
	mac := s.macs.Get().(hash.Hash) //nolint:errcheck // the pool holds nothing else
	defer s.macs.Put(mac)
	mac.Reset()
	mac.Write(plain)
	var sum [sha256.Size]byte
	return [tagSize]byte(mac.Sum(sum[:0])) // the first octets
}

func refuse(why string) error {
	return fault.New(fault.BadNonce, "The nonce %s; repeat the request with the one in Replay-Nonce.", why)
}
