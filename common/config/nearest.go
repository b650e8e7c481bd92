package config

import "strings"

// nearest returns the known name that name was most likely meant to be, or "" when none is close.
func nearest(name string) string {
	best, least := "", max(2, len(name)/4)+1
	for i := range table {
		p := &table[i]
		for _, known := range append([]string{p.Name}, p.Aliases...) {
			if d := distance(name, known, least); d < least {
				// An old name is no good advice.
				best, least = p.Name, d
			}
		}
	}
	return best
}

// distance is the least number of characters to insert, delete, replace or swap with the next one
// that turn a into b. It gives up, and returns limit, when there are that many.
func distance(a, b string, limit int) int {
	a, b = strings.ToLower(a), strings.ToLower(b)
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	two, one, now := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range one {
		one[j] = j
	}
	for i := 1; i <= len(a); i++ {
		now[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			now[j] = min(one[j]+1, now[j-1]+1, one[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				now[j] = min(now[j], two[j-2]+1)
			}
		}
		two, one, now = one, now, two
	}
	return min(one[len(b)], limit)
}
