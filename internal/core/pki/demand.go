package pki

import "time"

// Demand is the recorded wish that every certificate of a credential that was stopped be revoked. It is worked off in
// steps; until it has ended the credential stays stopped.
type Demand struct {
	Credential   string // id
	Name         string // of the credential
	Organisation string
	Actor        string // who asked, as the log names it
	Reason       Reason
	Asked        time.Time
	Revoked      int       // how many certificates were revoked for it so far
	Ended        time.Time // zero: it is open
}
