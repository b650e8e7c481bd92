// Package hook runs the commands that Pgpool-II's configuration may name, such as failover_command.
package hook

import "strings"

// Expand puts vars, which are named by one letter, in the place of %d, %h and so on. As in Pgpool-II %% is a percent
// sign, a letter that has no value vanishes, and values are not quoted: the shell sees them as they are.
func Expand(command string, vars map[string]string) string {
	var b strings.Builder
	for i := 0; i < len(command); i++ {
		switch {
		case command[i] != '%' || i+1 == len(command):
			b.WriteByte(command[i])
		case command[i+1] == '%':
			b.WriteByte('%')
			i++
		default:
			b.WriteString(vars[command[i+1:i+2]])
			i++
		}
	}
	return b.String()
}
