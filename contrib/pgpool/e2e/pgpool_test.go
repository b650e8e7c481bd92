package e2e

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgcrew/pgcrew/common/pgtest"
)

func TestPgpool(t *testing.T) {
	primary, standbys := pgtest.Cluster(t, 1)
	servers := append([]*pgtest.Server{primary}, standbys...)
	for name, test := range map[string]func(h *host){
		"Life":                  life,
		"Parts":                 restarts,
		"Reload":                reload,
		"Log":                   rotate,
		"Smart":                 smart,
		"Fast":                  fast,
		"Immediate":             immediate,
		"Foreground":            foreground,
		"Killed":                killed,
		"WrongFileOfAPart":      wrongFile,
		"SocketOfAnotherCrew":   anotherCrew,
		"StateWhereOneMayWrite": workDir,
	} {
		t.Run(name, func(t *testing.T) { test(newHost(t, servers)) })
	}
}

// A crew starts in the background, serves when the command returns, and ends without a trace.
func life(h *host) {
	h.must(0, "-D")
	pids := h.pids()
	for _, name := range parts {
		if pids[name] == 0 {
			h.t.Errorf("%s does not run: %v", name, pids)
		}
	}
	if table := h.must(0, "status"); strings.Count(table, "true") != len(parts) {
		h.t.Errorf("not everything is ready:\n%s", table)
	}
	h.writes()
	h.until("the address is here", func() bool { return strings.HasSuffix(h.read("vip.log"), "up 192.0.2.77\n") })

	if words := h.must(1, "-n", "-D"); !strings.Contains(words, "another pgpool runs already, as process") {
		h.t.Errorf("a second start: %s", words)
	}
	if words := h.must(1); !strings.Contains(words, "another pgpool runs already") {
		h.t.Errorf("a second start in the background: %s", words)
	}

	pid := h.pid()
	words := h.must(0, "-m", "fast", "stop")
	if !strings.Contains(words, "waiting for termination...") || !strings.HasSuffix(words, "done.\n") {
		h.t.Errorf("stop says %q", words)
	}
	pids["pgpool"] = pid
	for name, pid := range pids {
		if alive(pid) {
			h.t.Errorf("%s still runs", name)
		}
	}
	if h.pid() != 0 {
		h.t.Error("the pid file is still there")
	}
	if got := h.read("vip.log"); !strings.HasSuffix(got, "up 192.0.2.77\ndown 192.0.2.77\n") {
		h.t.Errorf("the address: %q", got)
	}
	if words := h.must(1, "stop"); !strings.Contains(words, "does not run") {
		h.t.Errorf("a second stop: %s", words)
	}

	// What a crash leaves is in nobody's way.
	h.write("run/pgpool.pid", "1\n")
	h.must(0, "-D")
	h.must(0, "-m", "i", "stop")
}

// Each part comes back.
func restarts(h *host) {
	h.must(0, "-D")
	h.writes()
	for _, name := range parts {
		before := h.pids()
		if err := syscall.Kill(before[name], syscall.SIGKILL); err != nil {
			h.t.Fatal(err)
		}
		h.until(name+" is back", func() bool {
			for _, p := range h.state().Parts {
				if p.Name == name {
					return p.Ready && p.Restarts == 1 && p.PID != before[name]
				}
			}
			return false
		})
		for other, pid := range h.pids() {
			if other != name && pid != before[other] {
				h.t.Errorf("%s was started again too", other)
			}
		}
		h.writes()
	}
	if !strings.Contains(h.log(), "killed by signal 9") {
		h.t.Error("the log does not say why")
	}
	h.must(0, "-m", "fast", "stop")
}

// A reload reaches every part that can, and ends none; a mistake leaves all as it is.
func reload(h *host) {
	h.must(0, "-D")
	before := h.pids()
	if got, err := h.query("PGPOOL SHOW log_connections"); err != nil || got != "off" {
		h.t.Fatalf("log_connections is %q, %v", got, err)
	}
	old := h.read("pgpool.conf")
	h.write("pgpool.conf", old+"log_connections = on\n")
	h.must(0, "reload")
	h.until("the router has read the file again", func() bool {
		got, err := h.query("PGPOOL SHOW log_connections")
		return err == nil && got == "on"
	})
	h.write("pgpool.conf", old+"log_connections = perhaps\n")
	// The command reads the file as well; the signal is what a unit sends.
	if words := h.must(100, "reload"); !strings.Contains(words, "perhaps") {
		h.t.Errorf("reload says %s", words)
	}
	syscall.Kill(h.pid(), syscall.SIGHUP)
	h.until("it is refused", func() bool { return strings.Contains(h.log(), "not reloaded, the old configuration stays in force") })
	if got, err := h.query("PGPOOL SHOW log_connections"); err != nil || got != "on" {
		h.t.Errorf("log_connections is %q, %v", got, err)
	}
	h.write("pgpool.conf", old)
	if now := h.pids(); !maps.Equal(now, before) {
		h.t.Errorf("the parts were %v and are %v", before, now)
	}
	h.must(0, "-m", "fast", "stop")
}

// Log lines of all parts are in the file, with their names, and a file that was moved away is followed by another.
func rotate(h *host) {
	h.must(0, "-D")
	for _, name := range append(parts, "pgpool") {
		h.until(name+" logs", func() bool { return strings.Contains("\n"+h.log(), "\n"+name+"[") })
	}
	if file := h.state().LogFile; file != h.path("log/pgpool.log") {
		h.t.Errorf("the log file is %s", file)
	}
	if err := os.Rename(h.path("log/pgpool.log"), h.path("log/old")); err != nil {
		h.t.Fatal(err)
	}
	h.must(0, "rotate")
	h.must(0, "-m", "fast", "stop")
	if got := h.log(); !strings.Contains(got, "pgpool has stopped") {
		h.t.Errorf("the new file has %q", got)
	}
	if strings.Contains(h.read("log/old"), "pgpool has stopped") {
		h.t.Error("the old file goes on")
	}
	if strings.Contains(h.read("log/old"), "logging_collector") {
		h.t.Error("a part warns of a parameter that has its effect")
	}

	h.write("pgpool.conf", strings.ReplaceAll(h.read("pgpool.conf"), "logging_collector = 'on'", "logging_collector = 'off'"))
	if words := h.must(0); !strings.Contains(words, "log lines go nowhere once pgpool has left the terminal") {
		h.t.Errorf("it says %s", words)
	}
	if words := h.must(1, "rotate"); !strings.Contains(words, "logging_collector is disabled") {
		h.t.Errorf("rotate says %s", words)
	}
	h.must(0, "-m", "fast", "stop")
}

// Smart waits for clients, and a faster mode may follow.
func smart(h *host) {
	for _, next := range []string{"the client leaves", "fast"} {
		h.must(0, "-D")
		c, err := h.connect()
		if err != nil {
			h.t.Fatal(err)
		}
		defer c.Close(context.Background())
		before := h.pids()
		stop := h.command("stop")
		var words bytes.Buffer
		stop.Stderr = &words
		if err := stop.Start(); err != nil {
			h.t.Fatal(err)
		}
		for _, name := range []string{"pgwatch", "pgvip", "pcpd"} {
			h.until(name+" ends", func() bool { return !alive(before[name]) })
		}
		h.until("no other client is let in", func() bool { _, err := h.query("SELECT 1"); return err != nil })
		if got, err := ask(c, "SELECT 7"); err != nil || got != "7" {
			h.t.Errorf("the client that stays: %q, %v\n%s", got, err, h.log())
		}
		if next == "fast" {
			h.must(0, "stop", "-m", "fast")
		} else {
			c.Close(context.Background())
		}
		if err := stop.Wait(); err != nil {
			h.t.Errorf("%v: %s", err, words.String())
		}
		h.gone(before)
	}
}

// Fast ends a session in a transaction, and says so.
func fast(h *host) {
	h.must(0, "-D")
	h.writes()
	c, err := h.connect()
	if err != nil {
		h.t.Fatal(err)
	}
	defer c.Close(context.Background())
	if _, err := ask(c, "BEGIN; INSERT INTO t VALUES (2)"); err != nil {
		h.t.Fatal(err)
	}
	before := h.pids()
	h.must(0, "-m", "f", "stop")
	h.gone(before)
	var told *pgconn.PgError
	if _, err := ask(c, "COMMIT"); !errors.As(err, &told) || told.Code != "57P01" {
		h.t.Errorf("the client is told %v", err)
	}
}

func immediate(h *host) {
	h.must(0, "-D")
	c, err := h.connect()
	if err != nil {
		h.t.Fatal(err)
	}
	defer c.Close(context.Background())
	if _, err := ask(c, "BEGIN"); err != nil {
		h.t.Fatal(err)
	}
	before := h.pids()
	h.must(0, "-m", "immediate", "stop")
	h.gone(before)
	if _, err := ask(c, "SELECT 1"); err == nil {
		h.t.Error("the client goes on")
	}
}

// Debian's unit starts it in the foreground, and stops it by SIGINT to every process.
func foreground(h *host) {
	cmd := h.command("-n", "-d")
	var words bytes.Buffer
	cmd.Stderr = &words
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	h.until("it runs", func() bool { return h.pid() == cmd.Process.Pid })
	h.until("it serves", func() bool { _, err := h.query("SELECT 1"); return err == nil })
	before := h.pids()
	h.until("-d reaches the parts", func() bool { return strings.Contains(h.read("log/pgpool.log"), "level=debug") })
	for _, pid := range before {
		syscall.Kill(pid, syscall.SIGINT)
	}
	cmd.Process.Signal(syscall.SIGINT)
	if err := cmd.Wait(); err != nil {
		h.t.Errorf("%v: %s", err, words.String())
	}
	h.gone(before)
}

// Nothing outlives a supervisor that is killed.
func killed(h *host) {
	h.must(0, "-D")
	before := h.pids()
	syscall.Kill(h.pid(), syscall.SIGKILL)
	h.gone(before)
	h.must(0, "-D")
	h.must(0, "-m", "fast", "stop")
}

// A part that does not take its files ends the start, and its words come to the terminal.
func wrongFile(h *host) {
	h.write("hba", "host all all 127.0.0.1/33 trust\n")
	words := h.must(100, "-D")
	if !strings.Contains(words, "hba") || !strings.Contains(words, "pgrouter does not take the configuration") {
		h.t.Errorf("it says %s", words)
	}
	if h.pid() != 0 {
		h.t.Error("the pid file is there")
	}
}

// Two crews cannot have the same sockets.
func anotherCrew(h *host) {
	h.must(0, "-D")
	h.write("other.conf", h.read("pgpool.conf")+"pid_file_name = 'other.pid'\n")
	words := h.must(1, "-n", "-f", "other.conf")
	if !strings.Contains(words, "another program answers there already (run_directory") {
		h.t.Errorf("it says %s", words)
	}
	h.must(0, "-m", "fast", "stop")
}

// Who may not write where state usually is, as in the tests of Pgpool-II, has work_dir for it.
func workDir(h *host) {
	if _, err := os.Stat("/var/lib/pgcrew"); err == nil {
		h.t.Skip("there is a /var/lib/pgcrew")
	}
	conf := strings.ReplaceAll(h.read("pgpool.conf"), "state_directory = '"+h.dir+"'", "")
	h.write("pgpool.conf", conf+"logdir = 'work'\n")
	if os.Getuid() == 0 {
		h.asOwner()
	}
	h.must(0, "-D")
	h.must(0, "-m", "fast", "stop")
	if _, err := os.Stat(h.path("work/pgcrew/node0")); err != nil {
		h.t.Error(err)
	}
}
