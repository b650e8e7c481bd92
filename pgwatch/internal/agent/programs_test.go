package agent

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// promoter is a Programs whose pgpromote prints that.
func promoter(t *testing.T, prints string, log io.Writer) *Programs {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "lines"), []byte(prints), 0o600); err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(dir, "pgpromote")
	if err := os.WriteFile(script, []byte("#!/bin/sh\ncat "+dir+"/lines\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return &Programs{Promoter: script, Config: "c", Local: func(int) bool { return true }, Log: slog.New(slog.NewTextHandler(log, nil))}
}

const positioned = `{"step":"position","ok":true,"detail":{"timeline":3,"received":77}}` + "\n"

// What is no step is passed over with a word, and an order without the step that it waits for has not worked.
func TestStrangeSteps(t *testing.T) {
	for name, c := range map[string]struct {
		prints, log, err string
	}{
		"no JSON, then steps": {"hello\n" + positioned, "a line that is no step", ""},
		"an unknown step":     {`{"step":"dance","ok":true}` + "\n" + positioned, "step=dance", ""},
		"none":                {"", "", "ended without saying that it is done"},
		"a step that failed":  {`{"step":"position","ok":false,"err":"no"}` + "\n", "err=no", "ended without saying that it is done"},
		"another shape":       {`{"step":"position","ok":true,"detail":[1]}` + "\n", "", "ended without saying that it is done"},
		"too long":            {`{"step":"` + strings.Repeat("x", 64<<10) + "\"}\n" + positioned, "its steps cannot be read", "pgpromote"},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			_, timeline, end, err := promoter(t, c.prints, &log).Recruit(t.Context(), 1)
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) || !strings.Contains(log.String(), c.log) {
				t.Errorf("%v\n%s", err, log.String())
			}
			if err == nil && (timeline != 3 || end != 77) {
				t.Errorf("timeline %d, end %d", timeline, end)
			}
		})
	}
}

// What a standby received from is kept as soon as it is told, also when recruiting fails after that; a standby that was cut off
// before has nothing to tell.
func TestUpstreamIsKept(t *testing.T) {
	const told = `{"step":"recruit","ok":true,"detail":{"primary_conninfo":"host=a","restore_command":"x"}}`
	const again = `{"step":"recruit","ok":true,"detail":{"primary_conninfo":"","restore_command":""}}` + "\n"
	for prints, want := range map[string]string{told + "\n" + again + positioned: told, told + "\n": told, again + positioned: ""} {
		p := promoter(t, prints, io.Discard)
		upstream, _, _, _ := p.Recruit(t.Context(), 1)
		p.Close(context.Background())
		if string(upstream) != want {
			t.Errorf("%s: kept %s", prints, upstream)
		}
	}
}
