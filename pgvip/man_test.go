package main

import (
	"io"
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
	commandItem  = regexp.MustCompile(`(?m)^\.It Cm ([a-z]+)`)
	variableItem = regexp.MustCompile(`(?m)^\.It Ev ([A-Z_]+)$`)
	variableName = regexp.MustCompile(`\[(PGVIP_[A-Z_]+)\]`)
)

func manPage(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("pgvip.8")
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(b), `\-`, "-")
}

// matches are the first groups of all matches.
func matches(re *regexp.Regexp, text string) (all []string) {
	for _, m := range re.FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}

// The page and the program must have the same commands, flags and variables: somebody reads the one and types the other.
func TestManPageKnowsEveryFlag(t *testing.T) {
	page := manPage(t)
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
	var c cli
	parser := kong.Must(&c, kong.Vars{"tool_env": "PGVIP", "config": "", "log_format": "text", "log_level": "info"}, kong.Writers(io.Discard, io.Discard))
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

func TestManPageHasItsSections(t *testing.T) {
	if got := matches(sectionLine, manPage(t)); !slices.Equal(got, sections) {
		t.Errorf("the sections are %q, wanted %q", got, sections)
	}
}

func TestManPageIsMdoc(t *testing.T) {
	groff, err := exec.LookPath("groff")
	if err != nil {
		t.Skip("no groff to read the page with")
	}
	cmd := exec.Command(groff, "-mdoc", "-Tascii", "-P-c", "-P-b", "-P-u", "-ww", "pgvip.8")
	var words strings.Builder
	cmd.Stderr = &words
	out, err := cmd.Output()
	if err != nil || words.Len() > 0 {
		t.Errorf("groff: %v %s", err, words.String())
	}
	if !strings.Contains(string(out), "delegate_ip") {
		t.Errorf("groff printed %q", out)
	}
}
