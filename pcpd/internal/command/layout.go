package command

import (
	"strconv"
	"time"

	"github.com/pgcrew/pgcrew/pcpd/internal/frame"
)

// layout is the version of Pgpool-II whose fields are sent. Programs of another one would show them under wrong names.
type layout int

const (
	v42 layout = iota
	v43
	v48
)

func (r *request) layout() layout {
	switch r.crew.Config.Enum("pcp_compat") {
	case "4.2":
		return v42
	case "4.8":
		return v48
	}
	return v43
}

// reply is the reply to a request whose only or last frame says that it is done, and then the texts.
func reply(kind byte, texts ...string) []byte {
	return frame.Append(nil, kind, append([]string{frame.Complete}, texts...)...)
}

// list is a reply of many frames: how many there are, each under the name item, and that it is done.
func list(kind byte, item string, records [][]string) []byte {
	out := frame.Append(nil, kind, frame.ArraySize, strconv.Itoa(len(records)))
	return append(out, items(kind, item, records)...)
}

func items(kind byte, item string, records [][]string) (out []byte) {
	for _, texts := range records {
		out = frame.Append(out, kind, append([]string{item}, texts...)...)
	}
	return frame.Append(out, kind, frame.Complete)
}

func number[T int | int64 | uint64](n T) string { return strconv.FormatInt(int64(n), 10) }

func real(f float64) string { return strconv.FormatFloat(f, 'f', 6, 64) }

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// clock writes a time as Pgpool-II does, in the time zone of this host; "" for none.
func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format(time.DateTime)
}

// seconds writes a time as seconds since 1970; 0 for none.
func seconds(t time.Time) string {
	if t.IsZero() {
		return "0"
	}
	return number(t.Unix())
}
