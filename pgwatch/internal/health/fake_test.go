package health

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/pgcrew/pgcrew/common/probe"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// pgtest waits for its servers, which may end after the last test.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/pgcrew/pgcrew/common/pgtest.(*Server).launch.func1"))
}

// fake is a server, and the network before it, that does what a test says. It talks the protocol, so that all of our
// code runs; the clock is the test's.
type fake struct {
	mu     sync.Mutex
	refuse bool                    // nobody listens
	reject *pgproto3.ErrorResponse // the answer to a login
	frozen chan struct{}           // closed when the server goes on; nil: it is not frozen
	slow   time.Duration           // before each answer to a query
	row    []string                // what sampleQuery returns
	open   map[net.Conn]bool       // the server's ends
	n      counts
}

// counts is what has happened so far.
type counts struct {
	logins, queries, knocks int
	told                    int
	ours, most              int // connections, on our side: now, and at one time
}

func (f *fake) counts() (n counts) {
	f.set(func() { n = f.n })
	return n
}

func newFake() *fake {
	return &fake{open: map[net.Conn]bool{}, row: []string{"t", "100", "1", "", "120", "db0", "5432", "0", "f"}}
}

func (f *fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// freeze stops the server until thaw.
func (f *fake) freeze() { f.set(func() { f.frozen = make(chan struct{}) }) }
func (f *fake) thaw()   { f.set(func() { close(f.frozen); f.frozen = nil }) }

// die ends all sessions, and nobody listens from now on.
func (f *fake) die() {
	f.set(func() { f.refuse = true })
	f.cut()
}

// cut ends all sessions.
func (f *fake) cut() {
	f.set(func() {
		for c := range f.open {
			c.Close()
		}
	})
}

func (f *fake) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuse {
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	ours, theirs := net.Pipe()
	f.open[theirs] = true
	f.n.ours++
	f.n.most = max(f.n.most, f.n.ours)
	go f.serve(theirs)
	return &counted{Conn: ours, gone: func() { f.set(func() { f.n.ours-- }) }}, nil
}

// counted is our end of a connection.
type counted struct {
	net.Conn
	once sync.Once
	gone func()
}

func (c *counted) Close() error {
	c.once.Do(c.gone)
	return c.Conn.Close()
}

// wait returns when the server is not frozen.
func (f *fake) wait() {
	for {
		f.mu.Lock()
		frozen := f.frozen
		f.mu.Unlock()
		if frozen == nil {
			return
		}
		<-frozen
	}
}

func (f *fake) serve(c net.Conn) {
	defer f.set(func() {
		c.Close()
		delete(f.open, c)
	})
	b := pgproto3.NewBackend(c, c)
	for {
		f.wait()
		m, err := b.ReceiveStartupMessage()
		f.wait()
		if err != nil {
			return
		}
		if _, knock := m.(*pgproto3.GSSEncRequest); !knock {
			break
		}
		f.set(func() { f.n.knocks++ })
		c.Write([]byte("N"))
	}
	var reject *pgproto3.ErrorResponse
	f.set(func() {
		f.n.logins++
		reject = f.reject
	})
	if reject != nil {
		b.Send(reject)
		b.Flush()
		return
	}
	b.Send(&pgproto3.AuthenticationOk{})
	b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	if b.Flush() != nil {
		return
	}
	for {
		m, err := b.Receive()
		f.wait()
		q, ok := m.(*pgproto3.Query)
		if err != nil || !ok {
			return
		}
		f.answer(b, q.String)
		if b.Flush() != nil {
			return
		}
	}
}

func (f *fake) answer(b *pgproto3.Backend, sql string) {
	row := []string{"7"}
	f.mu.Lock()
	slow := f.slow
	if strings.Contains(sql, "pg_is_in_recovery") {
		row = slices.Clone(f.row)
		f.n.queries++
	} else if strings.Contains(sql, "pg_stat_replication") {
		row = []string{"standby1", "192.0.2.7", "streaming", "async", "90", "1000"}
	}
	f.mu.Unlock()
	time.Sleep(slow)
	var fields []pgproto3.FieldDescription
	var values [][]byte
	for _, v := range row {
		fields = append(fields, pgproto3.FieldDescription{Name: []byte("c"), DataTypeOID: 25})
		values = append(values, []byte(v))
	}
	b.Send(&pgproto3.RowDescription{Fields: fields})
	b.Send(&pgproto3.DataRow{Values: values})
	b.Send(&pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")})
	b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
}

// rig is a Prober before a fake, in a bubble of testing/synctest.
type rig struct {
	*fake
	*Prober
	t *testing.T
}

var ordinary = Settings{ID: 3, Network: "tcp", Address: "db3:5432", Period: longestPeriod, Knock: longestKnock,
	Renew: longestRenew, Retry: longestRetry,
	Login: probe.Login{User: "u", Database: "postgres", Dial: longestDial, Limit: longestAnswer}}

// inBubble runs a test against a Prober that has found its server well.
func inBubble(t *testing.T, how Settings, test func(*rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{fake: newFake(), t: t}
		how.Login.Dialer = r.fake
		began := time.Now()
		r.Prober = New(how, func() time.Duration { return time.Hour + time.Since(began) }, func() { r.fake.set(func() { r.n.told++ }) })
		if got := r.Report(); got.Health != report.Unseen || got.ID != how.ID {
			t.Errorf("before the start: %+v", got)
		}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			r.Run(ctx)
		}()
		r.pass(0)
		r.want(report.Well, 0, 0)
		test(r)
		cancel()
		<-ended
		synctest.Wait()
		n := r.counts()
		if n.ours > 0 {
			t.Errorf("%d connections are open at the end", n.ours)
		}
		if n.most > 2 {
			t.Errorf("%d connections at one time", n.most)
		}
		r.cut()
		if r.frozen != nil {
			r.thaw()
		}
		r.pass(time.Minute)
	})
}

// pass lets time pass, and everything happen that is to happen in it.
func (r *rig) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// want checks health, failures and the time it has been so.
func (r *rig) want(h report.Health, fails int, since time.Duration) report.Backend {
	r.t.Helper()
	got := r.Report()
	if got.Health != h || got.Fails != fails || got.For != since || (h == report.Well) != (got.Err == "") {
		r.t.Errorf("got %s, %d failures, for %v, error %q; want %s, %d, %v", got.Health, got.Fails, got.For, got.Err, h, fails, since)
	}
	return got
}
