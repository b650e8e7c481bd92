package command

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/pgcrew/pgcrew/common/control"
	"github.com/pgcrew/pgcrew/pcpd/internal/crewtest"
	"github.com/pgcrew/pgcrew/pcpd/internal/frame"
)

func TestAttachDetachRecover(t *testing.T) {
	crew := crewtest.New(t)
	c := newCommands(crew.Config(t, "recovery_timeout = 1"))
	want(t, "attach without pgwatch", do(t, c, 'C', "1"), "ERROR process attach request failed: pgwatch does not run on this host with this configuration; start it")
	stop := crew.Serve(t, "pgwatch", crewtest.Watch)
	want(t, "attach", do(t, c, 'C', "1"), "c CommandComplete")
	want(t, "detach", do(t, c, 'D', "0"), "d CommandComplete")
	want(t, "detach gracefully", do(t, c, 'd', "0"), "d CommandComplete")
	want(t, "recover", do(t, c, 'O', "1"), "c CommandComplete")
	want(t, "asked", crew.Asked(), `pgwatch node.attach {"node":1}`, `pgwatch node.detach {"node":0,"reason":"asked for by PCP"}`,
		`pgwatch node.detach {"node":0,"graceful":true,"reason":"asked for by PCP"}`, `pgwatch recover {"node":1}`)
	for kind, words := range map[byte]string{'C': "process attach request", 'D': "process detach request", 'd': "process detach request", 'O': "process recovery request"} {
		want(t, "no such node", do(t, c, kind, "5"), "ERROR "+words+" failed: node id 5 is not valid")
	}
	stop()
	say := func(msg string) error { return &control.Error{Code: control.CodeFailed, Msg: msg} }
	for _, step := range []struct {
		kind   byte
		answer error
		want   string
	}{
		{'C', errSaid, "ERROR process attach request failed: backend 1 is down (start it first)"},
		{'D', errOther, "ERROR process detach request failed: it hangs"},
		{'O', say("primary server cannot be recovered by online recovery."), "ERROR process recovery request failed: primary server cannot be recovered by online recovery."},
		{'O', say("node recovery failed, node id: 1 is alive"), "ERROR node recovery failed, node id: 1 is alive: "},
		{'C', &control.Error{Code: control.CodeNotLeader, Msg: "db2 does not lead", Leader: "db1:9000"}, "ERROR process attach request failed: db2 does not lead: the leader is db1:9000"},
	} {
		stop := crew.Serve(t, "pgwatch", map[string]crewtest.Answer{"node.attach": step.answer, "node.detach": step.answer, "recover": step.answer})
		want(t, "refused", do(t, c, step.kind, "1"), step.want)
		stop()
	}
}

func TestPromote(t *testing.T) {
	crew := crewtest.New(t)
	stop := crew.Serve(t, "pgwatch", crewtest.Watch)
	c := newCommands(crew.Config(t, "recovery_timeout = 1"))
	want(t, "the primary", raw(t, c, 'J', "0 \x00s"), "FATAL invalid promote request: specified node is already primary node, can't promote node id 0")
	want(t, "unknown", raw(t, c, 'J', "9 \x00s"), "ERROR could not process promote request: node id 9 is not valid")
	want(t, "nonsense", raw(t, c, 'J', ""), "ERROR could not process promote request: node id  is not valid")
	label := "ERROR invalid promote request: PostgreSQL of node 1 is no primary, and a name alone would not make it one: use pcp_promote_node --switchover (-s)"
	want(t, "the label only", raw(t, c, 'J', "1 \x00n"), label)
	want(t, "the label only, by 4.2", raw(t, c, 'J', "1\x00"), label)
	crew.Asked()
	want(t, "switchover", raw(t, c, 'J', "1 \x00s"), "d CommandComplete")
	want(t, "asked", crew.Asked(), "pgwatch status", `pgwatch switchover {"to":1}`)
	want(t, "gracefully, without a router", raw(t, c, 'j', "1 \x00s"), "d CommandComplete")
	stop()

	// Somebody promoted it by hand, and the old primary is gone: there is nothing to do.
	crew.Serve(t, "pgwatch", map[string]crewtest.Answer{"status": `{"backends":[{"id":0,"role":"primary","pool_status":3,"pg_status":"down","pg_role":"unknown"},
		{"id":1,"role":"standby","pool_status":2,"pg_status":"up","pg_role":"primary"}]}`, "switchover": errSaid})
	want(t, "PostgreSQL agrees", raw(t, c, 'J', "1 \x00n"), "d CommandComplete")
	want(t, "refused", raw(t, c, 'J', "1 \x00s"), "ERROR could not process promote request: backend 1 is down (start it first)")
}

func TestPromoteGracefully(t *testing.T) {
	crew := crewtest.New(t)
	crew.Serve(t, "pgwatch", crewtest.Watch)
	var asked atomic.Int32
	stop := crew.Serve(t, "pgrouter", crewtest.With(crewtest.Router, map[string]crewtest.Answer{
		"status": crewtest.Func(func(context.Context, control.Request) (any, error) {
			return map[string]int32{"sessions": max(0, 3-asked.Add(1))}, nil
		})}))
	patient := newCommands(crew.Config(t, "recovery_timeout = 3600"))
	want(t, "they leave", raw(t, patient, 'j', "1 \x00s"), "d CommandComplete")
	if n := asked.Load(); n < 3 {
		t.Errorf("the router was asked %d times", n)
	}
	stop()
	crew.Serve(t, "pgrouter", crewtest.Router)
	crew.Asked()
	hasty := newCommands(crew.Config(t, "recovery_timeout = 1"))
	want(t, "they stay", raw(t, hasty, 'j', "1 \x00s"), "ERROR could not process promote request: 1 clients are still connected after recovery_timeout (1s)")
	for _, a := range crew.Asked() {
		if a == `pgwatch switchover {"to":1}` {
			t.Error("the switchover began all the same")
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	want(t, "pcpd ends", frames(t, patient.Do(ctx, "", "", frame.Frame{Type: 'j', Payload: []byte("1 \x00s")}).Bytes),
		"ERROR could not process promote request: ask "+crew.Dir+"/pgwatch.sock for status: context canceled")
}

func TestCrew(t *testing.T) {
	crew := crewtest.New(t)
	c := newCommands(crew.Config(t))
	stopped, reloaded := 0, 0
	c.Stop = func() { stopped++ }
	c.Reload = func() error { reloaded++; return nil }
	for _, payload := range []string{"", "x", "ss", "s\x00"} {
		if got := raw(t, c, 'T', payload); len(got) != 1 || got[0][:5] != frame.Error {
			t.Errorf("mode %q: %q", payload, got)
		}
	}
	for _, kind := range []byte{'Z', 'V'} {
		for _, payload := range []string{"", "x", "l\x00"} {
			if got := raw(t, c, kind, payload); len(got) != 1 || got[0][:5] != frame.Error {
				t.Errorf("scope %q of %c: %q", payload, kind, got)
			}
		}
	}
	all := func(what string, wanted ...string) {
		t.Helper()
		want(t, what, raw(t, c, 'Z', "c"), "z CommandComplete")
		want(t, what, raw(t, c, 'V', "l"), "v CommandComplete")
		r := c.Do(context.Background(), "", "", frame.Frame{Type: 't', Payload: []byte("f")})
		want(t, what, frames(t, r.Bytes), "t CommandComplete")
		r.Then()
		want(t, what, crew.Asked(), wanted...)
	}
	// Whoever is there is asked: with the watchdog off there is only this host.
	endRouter := crew.Serve(t, "pgrouter", crewtest.Router)
	all("pgrouter", "pgrouter reload", "pgrouter rotate", `pgrouter stop {"mode":"fast"}`)
	endPool := crew.Serve(t, "pgpool", map[string]crewtest.Answer{"reload": nil, "stop": nil, "rotate": nil})
	all("pgpool", "pgpool reload", "pgpool rotate", `pgpool stop {"mode":"fast"}`)
	endWatch := crew.Serve(t, "pgwatch", crewtest.Watch)
	all("pgwatch", `pgwatch crew.reload {"scope":"cluster"}`, `pgwatch crew.rotate {"scope":"local"}`, `pgwatch crew.stop {"mode":"fast","scope":"cluster"}`)
	if stopped != 3 || reloaded != 3 {
		t.Errorf("pcpd itself was stopped %d times and reloaded %d times", stopped, reloaded)
	}
	endWatch()

	on := newCommands(crew.Config(t, "use_watchdog = on"))
	want(t, "cluster without pgwatch", raw(t, on, 'V', "c"), "ERROR process log rotation request failed: the other hosts cannot be told: pgwatch does not run on this host with this configuration; start it, or ask for this host alone")
	want(t, "local without pgwatch", raw(t, on, 'V', "l"), "v CommandComplete")
	endPool()
	endRouter()
	want(t, "nobody", raw(t, c, 'V', "l"), "ERROR process log rotation request failed: pgrouter does not run on this host with this configuration; start it")
	crew.Asked()
	c.Reload = func() error { return errors.New("pgpool.conf:1: this\npgpool.conf:2: that") }
	want(t, "a file is wrong", raw(t, c, 'Z', "l"), "ERROR process reload config request failed: pgpool.conf:1: this; pgpool.conf:2: that")
	want(t, "nobody is told", crew.Asked())
}

func TestInvalidateCache(t *testing.T) {
	crew := crewtest.New(t)
	c := newCommands(crew.Config(t))
	stop := crew.Serve(t, "pgrouter", crewtest.Router)
	want(t, "on", raw(t, c, 'G', ""), "g CommandComplete")
	stop()
	crew.Serve(t, "pgrouter", map[string]crewtest.Answer{"cache.flush": &control.Error{Code: control.CodeFailed, Msg: "the query cache is off"}})
	want(t, "off", raw(t, c, 'G', ""), "ERROR query cache is not enabled: ")
}
