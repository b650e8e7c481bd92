package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// bounds returns the least and the greatest value of p, in its unit.
func (p *Param) bounds() (least, most int64) {
	least, most = p.Min, p.Max
	if most == 0 {
		most = math.MaxInt32
	}
	if p.Unit != None {
		most = min(most, math.MaxInt64/int64(p.Unit))
	}
	return least, most
}

// readNumber takes a whole number, for Duration and Bytes with a unit behind it. Hexadecimal is
// taken everywhere. A leading 0 means octal in a file mode, where it is demanded, because 600
// for 0600 is a mistake nobody sees; elsewhere it is refused where it would make a difference,
// because Pgpool-II reads octal and hardly anybody means it. It returns nanoseconds or bytes where p has a unit.
func (p *Param) readNumber(text string) (int64, *fault) {
	digits, unit := cutDigits(text)
	unit = strings.TrimLeft(unit, " \t")
	base := 10
	switch {
	case strings.HasPrefix(strings.ToLower(strings.TrimLeft(digits, "+-")), "0x"):
		base = 16
	case p.Kind == Octal:
		if base = 8; !strings.HasPrefix(digits, "0") {
			return 0, p.refuse(text, "a file mode with a leading 0, such as "+p.Default)
		}
	}
	if eight, err := strconv.ParseInt(digits, 8, 64); base == 10 && len(digits) > 1 && digits[0] == '0' && (err != nil || eight > 7) {
		return 0, &fault{fmt.Sprintf("%s: %q begins with 0", p.Name, shorten(text)), "Pgpool-II takes it for octal: write it without the 0"}
	}
	n, err := strconv.ParseInt(plainDigits(digits, base), base, 64)
	if err != nil {
		return 0, p.refuse(text, p.numbers())
	}

	worth := max(int64(p.Unit), 1)
	if unit != "" {
		of := scales(p.Kind)
		if worth = worthOf(unit, of); worth == 0 {
			hint := p.numbers()
			if of != nil {
				hint += ", with one of the units " + scaleNames(of)
			}
			return 0, p.refuse(text, hint)
		}
	}
	least, most := p.bounds()
	result, ok := times(n, worth)
	each := max(int64(p.Unit), 1)
	if !ok || result < least*each || result > most*each {
		return 0, p.refuse(text, p.numbers())
	}
	return result, nil
}

// numbers says which numbers p takes.
func (p *Param) numbers() string {
	least, most := p.bounds()
	if p.Kind == Octal {
		return fmt.Sprintf("a file mode from 0 to %#o", most)
	}
	return strings.TrimSpace(fmt.Sprintf("a whole number from %d to %d %s", least, most, p.Unit))
}

// cutDigits splits "0x10kB" behind the number.
func cutDigits(text string) (digits, rest string) {
	i := 0
	if i < len(text) && (text[i] == '-' || text[i] == '+') {
		i++
	}
	isDigit := func(c byte) bool { return c >= '0' && c <= '9' }
	if hex := strings.ToLower(text[i:]); strings.HasPrefix(hex, "0x") {
		i += 2
		isDigit = func(c byte) bool { return strings.IndexByte("0123456789abcdefABCDEF", c) >= 0 }
	}
	for i < len(text) && isDigit(text[i]) {
		i++
	}
	return text[:i], text[i:]
}

// plainDigits takes the 0x away, which strconv wants for base 16.
func plainDigits(digits string, base int) string {
	if base != 16 {
		return digits
	}
	at := strings.IndexAny(digits, "xX")
	return digits[:at-1] + digits[at+1:]
}

// worthOf returns what a unit is worth in nanoseconds or bytes, 0 when there is no such unit.
func worthOf(unit string, of []scale) int64 {
	for _, s := range of {
		if s.name == unit {
			return s.worth
		}
	}
	return 0
}
