package door

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/passwd"
	"github.com/pgcrew/pgcrew/pcpd/internal/frame"
)

func TestDoor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pcp.conf")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	c := &clock{time.Unix(1000, 0)}
	d := New(func() string { return path }, NewGuard(c.now), slog.New(slog.NewTextHandler(&log, nil)))
	salt := [frame.SaltSize]byte{1, 2, 3, 4}
	enter := func(user, password string) string {
		err := d.Enter("192.0.2.1", user, frame.Answer(user, passwd.HashPCP(password), salt), salt)
		if err == nil {
			return ""
		}
		var r *Refusal
		if !errors.As(err, &r) || r.User != user {
			t.Fatalf("%#v", err)
		}
		return r.Detail
	}
	if got := enter("ann", "secret"); !strings.Contains(got, "cannot read") {
		t.Errorf("without pcp.conf: %q", got)
	}
	if !strings.Contains(log.String(), path) {
		t.Errorf("the log does not name the file: %s", &log)
	}
	write("# nobody\n")
	if got := enter("ann", "secret"); got != "username and/or password does not match" || !strings.Contains(log.String(), "it has no user") {
		t.Errorf("with an empty pcp.conf: %q, %s", got, &log)
	}
	write("ann:" + passwd.HashPCP("secret") + "\nno colon\nann:" + passwd.HashPCP("newer") + "\n")
	for _, password := range []string{"secret", "newer"} {
		if got := enter("ann", password); got != "" {
			t.Errorf("password %s: %s", password, got)
		}
	}
	if !strings.Contains(log.String(), "pcp.conf:2: no colon") {
		t.Errorf("the log says nothing of the wrong line: %s", &log)
	}
	if got := enter("ann", ""); got != "username and/or password does not match" {
		t.Errorf("a wrong password: %q", got)
	}
	// Who sends what pcp.conf would hold for nothing is nobody.
	if err := d.Enter("192.0.2.2", "bob", frame.Answer("bob", "", salt), salt); err == nil {
		t.Error("an unknown user came in")
	}
	var last string
	for range freeTries {
		last = enter("ann", "guess")
	}
	if !strings.Contains(last, "the next try counts in 2s") && !strings.Contains(last, "the next try counts in 1s") {
		t.Errorf("after many tries: %q", last)
	}
	if got := enter("ann", "secret"); !strings.Contains(got, "the next try counts") {
		t.Errorf("the right password at once after that: %q", got)
	}
	c.pass(longestWait)
	if got := enter("ann", "secret"); got != "" {
		t.Errorf("after the wait: %q", got)
	}
	if strings.Contains(log.String(), "secret") || strings.Contains(log.String(), passwd.HashPCP("secret")) {
		t.Errorf("the log has a secret: %s", &log)
	}
}
