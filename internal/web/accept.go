package web

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// Negotiate returns that of the offered media types which the Accept header prefers (RFC 9110 section 12.5.1); among
// equals the one that is named most exactly, then the first offered. A header that names none of them, or is absent, gets
// the first offer: clients send odd headers and want the default. ok is false only when the header excludes all offers,
// with a quality of 0.
func Negotiate(header http.Header, offers ...string) (offer string, ok bool) {
	ranges := parseAccept(header)
	best := -1.0
	specific := -1
	for _, o := range offers {
		quality, how := ranges.judge(o)
		if quality == 0 && how > unnamed {
			continue
		}
		if quality > best || quality == best && how > specific {
			offer, ok, best, specific = o, true, quality, how
		}
	}
	return offer, ok
}

// How exactly a range names a media type.
const (
	unnamed  = iota
	anything // */*
	anyOf    // type/*
	exactly
)

type mediaRange struct {
	kind, subtype string
	quality       float64
}

type mediaRanges []mediaRange

// judge returns the quality of an offer and how exactly it is named; 0 and unnamed when no range covers it.
func (r mediaRanges) judge(offer string) (quality float64, how int) {
	kind, subtype, _ := strings.Cut(offer, "/")
	for _, m := range r {
		matched := unnamed
		switch {
		case m.kind == kind && m.subtype == subtype:
			matched = exactly
		case m.kind == kind && m.subtype == "*":
			matched = anyOf
		case m.kind == "*" && m.subtype == "*":
			matched = anything
		}
		if matched > how {
			quality, how = m.quality, matched
		}
	}
	return quality, how
}

// parseAccept reads the header and leaves out what it cannot read.
func parseAccept(header http.Header) mediaRanges {
	var ranges mediaRanges
	for _, part := range strings.Split(strings.Join(header.Values("Accept"), ","), ",") {
		media, params, err := mime.ParseMediaType(part)
		kind, subtype, found := strings.Cut(media, "/")
		if err != nil || !found {
			continue
		}
		quality := 1.0
		if text, given := params["q"]; given {
			if quality, err = strconv.ParseFloat(text, 64); err != nil || !(quality >= 0 && quality <= 1) {
				continue
			}
		}
		ranges = append(ranges, mediaRange{kind, subtype, quality})
	}
	return ranges
}
