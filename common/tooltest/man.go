package tooltest

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// sections are what every man page of the crew has, in this order.
var sections = []string{"NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "OPTIONS", "ENVIRONMENT", "FILES", "SIGNALS",
	"EXIT STATUS", "EXAMPLES", "CAPABILITIES", "SEE ALSO"}

var (
	sectionLine  = regexp.MustCompile(`(?m)^\.Sh (.*)$`)
	flagItem     = regexp.MustCompile(`(?m)^\.It Fl .*$`)
	longFlag     = regexp.MustCompile(`Fl -([a-z-]+)`)
	commandItem  = regexp.MustCompile(`(?m)^\.It Cm ([a-z_-]+)`)
	variableItem = regexp.MustCompile(`(?m)^\.It Ev ([A-Z_]+)$`)
	variableName = regexp.MustCompile(`\[(P[A-Z]+_?[A-Z_]+)\]`)
)

// Man checks the manual page NAME.8 of a tool, or NAME.1 when it has that: that it has the sections that all have, is well
// formed, and knows the same commands, flags and variables as the program. Somebody reads the one and types the other.
// commands is what kong fills; env is the prefix of the tool's variables; options are those that kong gets besides.
func Man(t *testing.T, name, env string, commands any, options ...kong.Option) {
	file := name + ".8"
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		file = name + ".1"
		b, err = os.ReadFile(file)
	}
	if err != nil {
		t.Fatal(err)
	}
	page := strings.NewReplacer(`\-`, "-", `\&`, "").Replace(string(b))
	if got := matches(sectionLine, page); !slices.Equal(got, sections) {
		t.Errorf("the sections are %q, wanted %q", got, sections)
	}
	compare(t, page, env, commands, options)
	format(t, file)
}

// matches are the first groups of all matches.
func matches(re *regexp.Regexp, text string) (all []string) {
	for _, m := range re.FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}

func compare(t *testing.T, page, env string, program any, options []kong.Option) {
	var commands, flags, variables []string
	var walk func(n *kong.Node)
	walk = func(n *kong.Node) {
		if n.Type == kong.CommandNode {
			commands = append(commands, n.Name)
		}
		for _, f := range n.Flags {
			if f.Hidden {
				continue
			}
			flags = append(flags, f.Name)
			variables = append(variables, matches(variableName, f.Help)...)
			if f.Short != 0 && !slices.ContainsFunc(flagItem.FindAllString(page, -1), func(item string) bool {
				return strings.HasPrefix(item, ".It Fl "+string(f.Short)+" , Fl -"+f.Name)
			}) {
				t.Errorf("the page does not say that -%c is --%s", f.Short, f.Name)
			}
		}
		for _, child := range n.Children {
			walk(child)
		}
	}
	parser := kong.Must(program, append(options, kong.Writers(io.Discard, io.Discard),
		kong.Vars{"tool_env": env, "config": "", "log_format": "text", "log_level": "info"})...)
	walk(parser.Model.Node)
	documented := matches(longFlag, strings.Join(flagItem.FindAllString(page, -1), "\n"))
	for _, x := range []struct {
		what      string
		has, says []string
	}{
		{"command", commands, matches(commandItem, page)},
		{"flag", flags, documented},
		{"variable", variables, matches(variableItem, page)},
	} {
		if len(x.has) == 0 {
			t.Errorf("the program has no %s", x.what)
		}
		for _, name := range x.has {
			if !slices.Contains(x.says, name) {
				t.Errorf("the page lacks %s %s", x.what, name)
			}
		}
		for _, name := range x.says {
			if x.what != "variable" && !slices.Contains(x.has, name) {
				t.Errorf("the page has %s %s, which the program has not", x.what, name)
			}
		}
	}
}

// format reads the page as man does.
func format(t *testing.T, file string) {
	groff, err := exec.LookPath("groff")
	if err != nil {
		t.Log("there is no groff to read the page with")
		return
	}
	cmd := exec.Command(groff, "-mdoc", "-Tascii", "-P-c", "-P-b", "-P-u", "-ww", file)
	var words strings.Builder
	cmd.Stderr = &words
	if out, err := cmd.Output(); err != nil || words.Len() > 0 || len(out) == 0 {
		t.Errorf("groff: %v %s", err, words.String())
	}
}
