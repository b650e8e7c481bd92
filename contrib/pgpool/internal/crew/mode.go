package crew

import "fmt"

// A Mode is how fast the crew ends.
type Mode int

// The modes, a faster one being greater, as Pgpool-II has them.
const (
	Smart     Mode = iota // waits until all clients have left
	Fast                  // ends sessions
	Immediate             // ends them at once, and waits for all parts only briefly
)

var modes = []string{"smart", "fast", "immediate"}

// String returns the name.
func (m Mode) String() string { return modes[m] }

// ParseMode reads a name or its first letter, as pgpool -m and PCP give it; "" is smart.
func ParseMode(text string) (Mode, error) {
	if text == "" {
		return Smart, nil
	}
	for i, name := range modes {
		if text == name || text == name[:1] {
			return Mode(i), nil
		}
	}
	return 0, fmt.Errorf("there is no mode %.20q: write smart, fast or immediate", text)
}
