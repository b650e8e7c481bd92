package clilog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestFormat(t *testing.T) {
	if _, err := New(nil, "xml", slog.LevelInfo); err == nil || !strings.Contains(err.Error(), `"xml": write text or json`) {
		t.Errorf("got %v", err)
	}

	var out bytes.Buffer
	log, err := New(&out, "text", slog.LevelInfo)
	if err != nil {
		t.Fatal(err)
	}
	log.Debug("unseen")
	log.Info("node is back", "node", 1, "took_ms", 1500*time.Microsecond, "err", errors.New("two words"))
	want := `^time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=info msg="node is back" node=1 took_ms=1.5 err="two words"\n$`
	if !regexp.MustCompile(want).MatchString(out.String()) {
		t.Errorf("got %s, want %s", &out, want)
	}

	out.Reset()
	level := new(slog.LevelVar)
	if log, err = New(&out, "json", level); err != nil {
		t.Fatal(err)
	}
	level.Set(slog.LevelWarn)
	log.Info("unseen")
	log.WithGroup("g").Warn("line\nbreak", "level", "mine", "err", errors.New("cause"))
	var line struct {
		Time, Level, Msg string
		G                map[string]string
	}
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("%v in %s", err, &out)
	}
	if line.Level != "warn" || line.Msg != "line\nbreak" || line.G["err"] != "cause" || line.G["level"] != "mine" || strings.Count(out.String(), "\n") != 1 {
		t.Errorf("got %s", &out)
	}
}

func TestLevel(t *testing.T) {
	for name, want := range map[string]slog.Level{
		"debug5": slog.LevelDebug, "DEBUG1": slog.LevelDebug, "debug": slog.LevelDebug, "info": slog.LevelInfo, "warning": slog.LevelInfo,
		"error": slog.LevelInfo, "log": slog.LevelInfo, "fatal": slog.LevelError, "panic": slog.LevelError, "": slog.LevelInfo,
	} {
		if got := Level(name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

type hinted struct{ error }

func (hinted) Hint() string { return "run it as root" }

func TestComplain(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{errors.New("f:1: a\nf:2: b"), "tool: error: f:1: a\ntool: error: f:2: b\n"},
		{fmt.Errorf("claim: %w", hinted{errors.New("not permitted")}), "tool: error: claim: not permitted\ntool: hint: run it as root\n"},
	} {
		var out bytes.Buffer
		if Complain(&out, "tool", c.err); out.String() != c.want {
			t.Errorf("got %q, want %q", &out, c.want)
		}
	}
}
