package config

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	maxDepth = 10      // files that include each other, as in Pgpool-II
	maxFiles = 256     // files in all
	maxBytes = 4 << 20 // in all of them
	maxFound = 200     // problems; then it is another kind of file
)

// Load reads the configuration file at path, and what it includes.
//
// The error is Problems and lists everything that is wrong. The Config that comes with it holds what could be
// read, so that a check can go on to the files that it names; nothing else may be done with it. It is nil when
// there was no file to read. Call Warnings for what is taken, but not as it stands.
func Load(path string) (*Config, error) {
	if path == "" {
		return nil, Problems{{Text: "no configuration file: " + strings.Join(places, " and ") + " are not there", Hint: "name one with --config"}}
	}
	return parse(path, nil, readFile)
}

// Parse is Load for text at hand. name is the file it came from: it stands in messages, and files
// are included and found relative to its folder.
func Parse(name string, text []byte) (*Config, error) {
	return parse(name, func(string) ([]byte, error) { return text, nil }, readFile)
}

// readFile reads a file of bounded size.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err == nil && len(text) > maxBytes {
		return nil, fmt.Errorf("read %s: more than %d bytes, this is no configuration", path, maxBytes)
	}
	return text, err
}

// reading is one reading of a configuration.
type reading struct {
	c        *Config
	open     func(path string) ([]byte, error)
	problems Problems
	files    int
	bytes    int
}

// parse reads path with first when it is given, and what it includes with open.
func parse(path string, first, open func(string) ([]byte, error)) (*Config, error) {
	p := &reading{c: Default(), open: open}
	p.c.path = path
	if first == nil {
		first = open
	}
	text, err := first(path)
	if err != nil {
		// The text of the error names the file.
		return nil, Problems{{Text: err.Error(), Hint: "name a configuration file that can be read"}}
	}
	p.file(path, text, nil)
	if len(p.problems) > maxFound {
		p.problems = append(p.problems[:maxFound], Problem{Text: fmt.Sprintf("more than %d problems", maxFound), Hint: "is it a configuration file?"})
	}
	p.c.told = p.c.contradictions()
	p.problems = append(p.problems, p.c.told...)
	p.c.findWarnings()
	if len(p.problems) > 0 {
		return p.c, p.problems
	}
	return p.c, nil
}

// file reads one file. above are the files that are being read and led to it.
func (p *reading) file(path string, text []byte, above []string) {
	p.files++
	p.bytes += len(text)
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	above = append(slices.Clip(above), filepath.Clean(path))
	n := 0
	for s := range strings.Lines(string(text)) {
		if n++; len(p.problems) > maxFound {
			return
		}
		l, f := lexLine(strings.TrimSuffix(s, "\n"))
		switch {
		case f != nil:
		case l == nil:
		case strings.EqualFold(l.name, "include"):
			f = p.include(path, l.text, above)
		default:
			f = p.c.assign(l.name, l.text, path, n)
		}
		if f != nil {
			p.problems = append(p.problems, f.at(path, n))
			name, _ := cutName(skipBlank(s))
			p.c.doubt(name)
		}
	}
}

// include reads another file in place of the line that asks for it.
func (p *reading) include(from, name string, above []string) *fault {
	if name == "" {
		return &fault{"include names no file", "write include 'file'"}
	}
	path := name
	if !filepath.IsAbs(name) {
		path = filepath.Join(filepath.Dir(from), name)
	}
	switch {
	case slices.Contains(above, filepath.Clean(path)):
		return &fault{fmt.Sprintf("%s includes itself", path), "remove one of the include lines: " + strings.Join(above, " > ")}
	case len(above) > maxDepth:
		return &fault{fmt.Sprintf("include %s: more than %d files deep", path, maxDepth), ""}
	case p.files >= maxFiles:
		return &fault{fmt.Sprintf("include %s: more than %d files", path, maxFiles), ""}
	}
	text, err := p.open(path)
	if err != nil {
		return &fault{"include: " + err.Error(), "create it or remove the line"}
	}
	if p.bytes+len(text) > maxBytes {
		return &fault{fmt.Sprintf("include %s: more than %d bytes in all", path, maxBytes), ""}
	}
	p.file(path, text, above)
	return nil
}
