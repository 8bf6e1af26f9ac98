package admin

// Patterns returns the pattern of every operation.
func Patterns() []string {
	var patterns []string
	for _, r := range routes() {
		patterns = append(patterns, r.pattern())
	}
	return patterns
}
