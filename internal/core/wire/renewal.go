package wire

// RenewalInfo is the renewal information of a certificate (RFC 9773 section 4.2).
type RenewalInfo struct {
	// SuggestedWindow (required): "A JSON object with two keys, 'start' and 'end', whose values are timestamps ... which
	// bound the window of time in which the CA recommends renewing the certificate."
	SuggestedWindow RenewalWindow `json:"suggestedWindow"`
	// ExplanationURL: "A URL pointing to a page which may explain why the suggested renewal window has its current value."
	ExplanationURL string `json:"explanationURL,omitempty"`
}

// RenewalWindow is the window of a RenewalInfo.
type RenewalWindow struct {
	Start Time `json:"start"`
	End   Time `json:"end"`
}
