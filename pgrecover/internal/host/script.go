package host

import "strings"

// guarded runs "$@" without input, and ends it when standard input ends, on which a password or an empty line comes first. The
// caller holds the other end, and the kernel or sshd closes it for him when he dies. It goes with all that
// it has started, so it is a session of its own. A shell ignores SIGINT for what it starts in the background: the signal is
// SIGTERM.
const guarded = `cd /; export LC_ALL=C; IFS= read -r p && [ -n "$p" ] && PGPASSWORD=$p && export PGPASSWORD; exec 3<&0; setsid "$@" </dev/null 3<&- & p=$!; ` +
	`{ cat <&3; kill -- -$p || kill $p; } >/dev/null 2>&1 & w=$!; exec 3<&-; wait $p; s=$?; kill $w 2>/dev/null; exit $s`

// fed runs "$@" with the input that it is given.
const fed = `cd /; export LC_ALL=C; exec "$@"`

// script is the shell script of a command and its arguments.
func (c Cmd) script() []string {
	body := guarded
	if c.Stdin != nil {
		body = fed
	}
	args := c.Args
	if len(c.Env) > 0 {
		args = append(append([]string{"env"}, c.Env...), args...)
	}
	return Shell(body, args...)
}

// line is a command as one line for a shell.
func line(args []string) string {
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = word(a)
	}
	return strings.Join(words, " ")
}

// word quotes a word for a shell, if it needs that.
func word(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=,@%+", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
