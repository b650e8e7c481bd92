package host

import "bytes"

// said keeps the end of what a program complains about.
type said struct {
	progress func(line string) bool
	line     []byte
	text     []byte
}

// saidLimit is the most bytes of a program's complaints in an error, and of a line of them.
const saidLimit = 2000

// Write implements io.Writer. It is called by one goroutine.
func (s *said) Write(p []byte) (int, error) {
	for _, b := range p {
		s.line = append(s.line, b)
		if b == '\n' || b == '\r' || len(s.line) == saidLimit {
			s.end()
		}
	}
	return len(p), nil
}

// end is the end of a line.
func (s *said) end() {
	line := bytes.TrimRight(s.line, "\r\n")
	if s.progress == nil || !s.progress(string(line)) {
		s.text = append(s.text, s.line...)
		s.text = s.text[max(0, len(s.text)-saidLimit):]
	}
	s.line = s.line[:0]
}

// String returns it when the program has ended.
func (s *said) String() string {
	if len(s.line) > 0 {
		s.end()
	}
	return string(bytes.TrimSpace(s.text))
}
