package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/pgrouter/internal/route"
)

// explainCmd tells where statements would go. State carries on from one statement to the next as in one session in which
// every statement succeeds.
type explainCmd struct {
	Null        bool   `short:"0" name:"null" help:"Statements end with a NUL byte, not with the line."`
	Independent bool   `help:"Each statement is the first of a session of its own."`
	Offline     bool   `help:"Do not look names up in the database: every function, table and view is unknown."`
	Database    string `help:"Database whose names are looked up; by default sr_check_database." placeholder:"NAME"`
	User        string `help:"User who looks them up; by default sr_check_user, else postgres. The password is sr_check_password, or is found in pool_passwd or .pgpass." placeholder:"NAME"`
}

// maxStatement is the longest statement that explain reads, in bytes.
const maxStatement = 64 << 20

// explanation is one line of output.
type explanation struct {
	SQL     string   `json:"sql"`
	Target  string   `json:"target"`
	Class   string   `json:"class"`
	Reasons []string `json:"reasons"`
}

// Run reads statements until the end of input and answers each with one line.
func (e explainCmd) Run(ctx context.Context, t *tool.Tool) error {
	c, err := e.config(t)
	if err != nil {
		return err
	}
	settings, err := route.FromConfig(c)
	if err != nil {
		return tool.UsageError{Err: err}
	}
	x := explainer{
		classifier: route.NewClassifier(settings),
		policy:     route.PolicyFromConfig(c),
		balance:    c.Bool("load_balance_mode"),
		env:        route.Env{StandardStrings: true, Encoding: route.EncodingUTF8},
	}
	if !e.Offline {
		if x.env.Catalog, err = e.catalog(ctx, t, c, settings.Catalog); err != nil {
			fmt.Fprintln(t.Err, "pgrouter: warning:", err)
			fmt.Fprintln(t.Err, "pgrouter: warning: no names are known, so that reads of tables and functions are shown as primary")
		}
	}
	x.reset()
	out := json.NewEncoder(t.Out)
	out.SetEscapeHTML(false)
	statements, failed := e.statements(t.In)
	for {
		select {
		case <-ctx.Done():
			return nil
		case sql, ok := <-statements:
			if !ok {
				return <-failed
			}
			if e.Independent {
				x.reset()
			}
			if err := out.Encode(x.explain(sql)); err != nil {
				return err
			}
		}
	}
}

// config reads the configuration. Without any file the defaults serve, because explain needs no server.
func (e explainCmd) config(t *tool.Tool) (*config.Config, error) {
	if t.Flags.Config == "" && config.Find() == "" {
		c := config.Default()
		if err := c.Environment(t.Env, t.Environ); err != nil {
			return nil, tool.UsageError{Err: err}
		}
		return c, nil
	}
	return t.Config()
}

// statements reads in in the background, because a read from a terminal cannot be interrupted and a signal must be
// obeyed. Blank lines are no statements. The second channel has the error, or nil, when the first one is closed.
func (e explainCmd) statements(in io.Reader) (<-chan []byte, <-chan error) {
	statements, failed := make(chan []byte), make(chan error, 1)
	go func() {
		defer close(statements)
		r := bufio.NewScanner(in)
		r.Buffer(nil, maxStatement)
		if e.Null {
			r.Split(splitNull)
		}
		for r.Scan() {
			if len(bytes.TrimSpace(r.Bytes())) > 0 {
				statements <- bytes.Clone(r.Bytes())
			}
		}
		err := r.Err()
		if errors.Is(err, bufio.ErrTooLong) {
			err = fmt.Errorf("read statements: one is longer than %d MB", maxStatement>>20)
		}
		failed <- err
	}()
	return statements, failed
}

// splitNull is a bufio.SplitFunc.
func splitNull(data []byte, end bool) (used int, statement []byte, err error) {
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return i + 1, data[:i], nil
	}
	if end && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

// explainer is a session without a server.
type explainer struct {
	classifier *route.Classifier
	policy     *route.Policy
	balance    bool // load_balance_mode
	env        route.Env
	session    route.Session
	status     byte // of the transaction, as in ReadyForQuery
}

// reset begins a new session.
func (x *explainer) reset() {
	x.session = route.Session{Policy: x.policy}
	x.env.StandardStrings, x.env.Encoding = true, route.EncodingUTF8
	x.status = 'I'
}

// explain decides about one statement string, and follows its effects.
func (x *explainer) explain(sql []byte) explanation {
	v := x.classify(sql)
	target, reason := x.session.DecideWhy(v, sql)
	e := explanation{SQL: string(sql), Target: target.String(), Class: v.Class.String(), Reasons: []string{}}
	switch {
	case target == route.Balance && !x.balance:
		e.Target = route.Primary.String()
		e.Reasons = append(e.Reasons, "load_balance_mode is off")
	case reason != route.ReasonNone:
		e.Reasons = append(e.Reasons, describe(v, reason, sql))
	}
	if v.Class == route.Multi {
		for rest := sql; len(rest) > 0; {
			end := route.NextStatement(rest, x.env.StandardStrings)
			one := rest[:end]
			part := x.classify(one)
			x.session.Decide(part, one)
			x.follow(part, one)
			rest = rest[end:]
		}
	} else {
		x.follow(v, sql)
	}
	x.session.Settle(x.status, false)
	return e
}

func (x *explainer) classify(sql []byte) route.Verdict {
	x.env.Temp = x.session.Temp()
	return x.classifier.Classify(sql, &x.env)
}

// follow does to the state what the server would.
func (x *explainer) follow(v route.Verdict, sql []byte) {
	switch v.Class {
	case route.Begin:
		x.status = 'T'
	case route.Commit, route.Rollback:
		if x.status != 'T' || !v.Is(route.Chain) {
			x.status = 'I'
		}
	case route.PrepareTransaction:
		x.status = 'I'
	case route.Set:
		if v.NameEnd > 0 && route.Name(sql, v) == "standard_conforming_strings" {
			value := bytes.ToLower(sql[v.NameEnd:])
			x.env.StandardStrings = !bytes.Contains(value, []byte("of")) && !bytes.ContainsAny(value, "fn0")
		}
	case route.DiscardAll:
		x.env.StandardStrings = true
	case route.Reset:
		if v.NameEnd == 0 || route.Name(sql, v) == "standard_conforming_strings" {
			x.env.StandardStrings = true
		}
	}
}

// describe says what decided, with the word in the statement if it is one.
func describe(v route.Verdict, r route.Reason, sql []byte) string {
	if v.Class == route.Read && r == v.Reason && v.NameEnd > v.NameAt && int(v.NameEnd) <= len(sql) {
		if word := sql[v.NameAt:v.NameEnd]; len(word) <= 70 {
			return r.String() + ": " + string(word)
		}
	}
	return r.String()
}
