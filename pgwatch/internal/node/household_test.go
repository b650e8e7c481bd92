package node

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/pgcrew/pgcrew/common/control"
)

// Where pgpool runs it stops all; elsewhere the router is stopped and pgwatch itself, after it has handed over.
func TestCrewStop(t *testing.T) {
	s := newSquad(t)
	pool := s.tool(1, poolSocket, obeys)
	unused := s.tool(1, routerSocket, obeys)
	router := s.tool(0, routerSocket, obeys)
	if err := s.ask(t.Context(), 0, OpStop, StopArgs{Mode: "fast", Scope: ScopeCluster}, nil); err != nil {
		t.Fatal(err)
	}
	if s.stopped != [3]bool{true, false, true} || s.resigns != 1 {
		t.Errorf("stopped %v, %d resigned", s.stopped, s.resigns)
	}
	for name, got := range map[string][]string{"pgpool": pool(), "pgrouter": router()} {
		if !slices.Equal(got, []string{`stop{"mode":"fast"}`}) {
			t.Errorf("%s was asked %q", name, got)
		}
	}
	if len(unused()) != 0 {
		t.Errorf("a router that pgpool stops was asked %q", unused())
	}
	s = newSquad(t)
	if err := s.ask(t.Context(), 1, OpStop, StopArgs{}, nil); err != nil || s.stopped != [3]bool{false, true, false} {
		t.Errorf("%v, stopped %v", err, s.stopped)
	}
}

// All that live reload, and each says what is wrong with its files.
func TestCrewReload(t *testing.T) {
	s := newSquad(t)
	s.away[2] = true
	pool := s.tool(0, poolSocket, obeys)
	s.tool(1, poolSocket, func(control.Request) (any, error) {
		return nil, &control.Error{Code: control.CodeFailed, Msg: "pgpool.conf: line 3 is wrong"}
	})
	err := s.ask(t.Context(), 0, OpReload, ScopeArgs{Scope: ScopeCluster}, nil)
	if err == nil || !strings.Contains(err.Error(), "line 3 is wrong") || !slices.Equal(pool(), []string{"reload"}) {
		t.Errorf("%v, and pgpool was asked %q", err, pool())
	}
	router := s.tool(2, routerSocket, obeys)
	if err := s.ask(t.Context(), 2, OpRotate, ScopeArgs{Scope: ScopeLocal}, nil); err != nil || !slices.Equal(router(), []string{"rotate"}) {
		t.Errorf("%v, and pgrouter was asked %q", err, router())
	}
}

func TestCrewRefuses(t *testing.T) {
	s := newSquad(t)
	for _, c := range []struct {
		op   string
		args any
	}{
		{OpStop, StopArgs{Mode: "slow"}}, {OpStop, StopArgs{Scope: "world"}}, {OpReload, StopArgs{Mode: "fast"}}, {OpStop, map[string]int{"made": 1}},
	} {
		var said *control.Error
		if err := s.ask(t.Context(), 0, c.op, c.args, nil); !errors.As(err, &said) || said.Code != control.CodeBadRequest {
			t.Errorf("%s %+v: %v", c.op, c.args, err)
		}
	}
	if s.stopped != [3]bool{} {
		t.Errorf("stopped %v", s.stopped)
	}
}
