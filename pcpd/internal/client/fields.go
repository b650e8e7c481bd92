package client

import (
	"fmt"
	"strconv"
	"time"
)

// fields takes the texts of a reply one after the other. The first error stays.
type fields struct {
	texts []string
	err   error
}

func (f *fields) text() string {
	if len(f.texts) == 0 {
		f.fail("a field is missing")
		return ""
	}
	t := f.texts[0]
	f.texts = f.texts[1:]
	return t
}

func (f *fields) number() int64 {
	t := f.text()
	n, err := strconv.ParseInt(t, 10, 64)
	if err != nil {
		f.fail("%q is not a number", t)
	}
	return n
}

func (f *fields) float() float64 {
	t := f.text()
	n, err := strconv.ParseFloat(t, 64)
	if err != nil {
		f.fail("%q is not a number", t)
	}
	return n
}

// time reads seconds since 1970.
func (f *fields) time() time.Time { return time.Unix(f.number(), 0) }

func (f *fields) fail(format string, args ...any) {
	if f.err == nil {
		f.err = fmt.Errorf("read the answer: "+format, args...)
	}
}
