package config

import (
	"math"
	"strings"
	"time"
)

// Unit is what a bare number counts.
type Unit int64

// The units. Those of time are worth nanoseconds, those of memory bytes.
const (
	None        Unit = 0
	Millisecond      = Unit(time.Millisecond)
	Second           = Unit(time.Second)
	Minute           = Unit(time.Minute)
	Byte        Unit = 1
	Kilobyte    Unit = 1 << 10
)

// A scale is a unit as it is written behind a number.
type scale struct {
	name  string
	worth int64
}

// The scales a value may be written in, largest first. Like PostgreSQL's they are exact in case: a
// lower-case m could be a minute, a month or a mega.
var (
	timeScales = []scale{
		{"d", int64(24 * time.Hour)}, {"h", int64(time.Hour)}, {"min", int64(time.Minute)},
		{"s", int64(time.Second)}, {"ms", int64(time.Millisecond)},
	}
	byteScales = []scale{{"TB", 1 << 40}, {"GB", 1 << 30}, {"MB", 1 << 20}, {"kB", 1 << 10}, {"B", 1}}
)

// String returns the unit as it is written behind a number, "" for None.
func (u Unit) String() string {
	switch u {
	case Byte:
		return "B"
	case Kilobyte:
		return "kB"
	}
	for _, s := range timeScales {
		if int64(u) == s.worth {
			return s.name
		}
	}
	return ""
}

// scales returns the scales in which a value of kind k may be written.
func scales(k Kind) []scale {
	switch k {
	case Duration:
		return timeScales
	case Bytes:
		return byteScales
	}
	return nil
}

// scaleNames lists scales for an error text.
func scaleNames(of []scale) string {
	names := make([]string, len(of))
	for i, s := range of {
		names[i] = s.name
	}
	return strings.Join(names, ", ")
}

// times multiplies without overflow; ok is false when the product does not fit.
func times(n, by int64) (product int64, ok bool) {
	if by != 0 && (n > math.MaxInt64/by || n < math.MinInt64/by) {
		return 0, false
	}
	return n * by, true
}

// inLargest writes n, nanoseconds or bytes, as a whole number of the largest scale that allows it.
func inLargest(n int64, of []scale) (int64, string) {
	for _, s := range of {
		if n%s.worth == 0 {
			return n / s.worth, s.name
		}
	}
	return n, ""
}
