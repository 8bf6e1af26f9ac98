package keyring

// Quick lets the ring encrypt with fewer rounds, for tests that look at something else.
func (r *Keyring) Quick() *Keyring {
	r.protection.iterations = fewIterations
	return r
}
