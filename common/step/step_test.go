package step

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestJournal(t *testing.T) {
	var out strings.Builder
	now := time.Unix(0, 0)
	j := Journal{W: &out, Now: func() time.Time { now = now.Add(1500 * time.Microsecond); return now }}
	node := 1
	if err := j.Do(Step{Step: "look", Node: &node}, func(s *Step) error { s.Detail = "well"; return nil }); err != nil {
		t.Error(err)
	}
	broken := errors.New("it broke")
	if err := j.Do(Step{Step: "mend", Command: "x"}, func(*Step) error { return broken }); err != broken {
		t.Error(err)
	}
	want := `{"step":"look","node":1,"ok":true,"detail":"well","took_ms":1.5}` + "\n" +
		`{"step":"mend","command":"x","ok":false,"err":"it broke","took_ms":1.5}` + "\n"
	if out.String() != want {
		t.Errorf("got %s\nwant %s", out.String(), want)
	}
	if err := j.Do(Step{}, func(s *Step) error { s.Detail = func() {}; return nil }); err == nil {
		t.Error("what cannot be written was written")
	}
}

func TestUntil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		err := Until(t.Context(), func() (bool, error) { tries++; return tries == 3, nil })
		if err != nil || tries != 3 {
			t.Errorf("%d tries, %v", tries, err)
		}
		late := errors.New("too late")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, late)
		defer cancel()
		if err := Until(ctx, func() (bool, error) { return false, nil }); err != late {
			t.Error(err)
		}
	})
}
