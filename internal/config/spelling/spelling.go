// Package spelling finds the word that a person probably meant: a setting, a flag or a command with a slip in it.
package spelling

// slips is how many insertions, deletions and replacements a word may be away from what was meant, at most one for every
// third letter: with more, it would be another word.
const slips = 3

// Nearest returns the known word that is the fewest slips away from word; "" when none is near. Of several equally near
// ones it returns the first. A word of one letter is near to nothing.
func Nearest(word string, known []string) string {
	best, distance := "", min(slips, (len(word)+2)/3, len(word)-1)+1
	for _, k := range known {
		if len(word) > len(k)+slips { // as many slips at least, and word may be long
			continue
		}
		if d := editDistance(word, k); d < distance {
			best, distance = k, d
		}
	}
	return best
}

// editDistance counts the insertions, deletions and replacements that turn a into b.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		previous := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := previous
			if a[i] != b[j] {
				cost++
			}
			previous = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
