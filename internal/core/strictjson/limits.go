package strictjson

// What a body may hold. The limits stand before the decoder, so that a small body cannot make much work or memory;
// the size of the body itself is the caller's to bound.
const (
	MaxDepth    = 16   // objects and arrays inside each other, the outermost counted
	MaxElements = 1000 // members of one object, or elements of one array

	maxShownPath = 80 // characters of the sender's own text repeated in an error
)
