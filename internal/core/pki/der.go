package pki

import (
	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"
)

// isDER reports whether a string of elements is well formed: tags and lengths in their shortest form, numbers and
// truth values in their only form, every element inside its parent, and nothing deeper than maxDepth. The contents of
// OCTET STRING and BIT STRING are not looked at.
func isDER(elements cryptobyte.String, depth int) bool {
	if depth == 0 {
		return false
	}
	for !elements.Empty() {
		var element, content cryptobyte.String
		var tag tags.Tag
		if !elements.ReadAnyASN1Element(&element, &tag) {
			return false
		}
		whole := element
		if !element.ReadAnyASN1(&content, &tag) {
			return false
		}
		if constructed := tag&0x20 != 0; constructed && !isDER(content, depth-1) {
			return false
		}
		if !isDERValue(whole, tag) {
			return false
		}
	}
	return true
}

func isDERValue(element cryptobyte.String, tag tags.Tag) bool {
	switch tag {
	case tags.BOOLEAN:
		var value bool
		return element.ReadASN1Boolean(&value)
	case tags.INTEGER:
		var content cryptobyte.String
		return element.ReadASN1(&content, tags.INTEGER) && isShortest(content)
	default:
		return true
	}
}

// isShortest reports whether a number in two's complement has no octet too many: the first nine bits are not all equal.
func isShortest(number []byte) bool {
	switch {
	case len(number) == 0:
		return false
	case len(number) == 1:
		return true
	default:
		negative := number[1]&0x80 != 0
		return !(number[0] == 0 && !negative) && !(number[0] == 0xff && negative)
	}
}
