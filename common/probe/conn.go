package probe

import (
	"context"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Conn is a session of ours on a server. One goroutine at a time may use it.
type Conn struct {
	// Method is the first authentication request of the server, as PostgreSQL's chapter "Message Formats" numbers them;
	// 0 is none, as with trust and peer.
	Method uint32

	pg    *pgconn.PgConn
	raw   net.Conn
	limit time.Duration // of each query
}

// Idle waits until ctx ends, and returns nil then. It returns an error as soon as the session has ended: what the server
// said last, or the network.
func (c *Conn) Idle(ctx context.Context) error {
	err := c.pg.WaitForNotification(ctx) // there are none
	if !c.pg.IsClosed() {
		return nil
	}
	return cause(err)
}

// Close ends the session without waiting for the server, and waits for what pgconn still does with it.
func (c *Conn) Close() {
	// A Terminate message keeps "unexpected EOF" out of the server's log; a full buffer must not hold us up.
	if !c.pg.IsClosed() {
		c.raw.SetDeadline(time.Now().Add(100 * time.Millisecond))
		c.pg.Close(context.Background())
	}
	c.raw.Close()
	<-c.pg.CleanupDone()
}

// Rows runs SQL and returns the rows of its last result as text, where NULL is empty.
func (c *Conn) Rows(ctx context.Context, sql string) ([][]string, error) {
	found, err := c.rows(ctx, sql)
	var list [][]string
	for _, r := range found {
		var row []string
		for _, v := range r {
			row = append(row, string(v))
		}
		list = append(list, row)
	}
	return list, err
}

// rows runs SQL and returns the rows of its last result.
func (c *Conn) rows(ctx context.Context, sql string) ([][][]byte, error) {
	if c.pg.IsClosed() {
		return nil, net.ErrClosed // pgconn's own error would not be known for one of the network
	}
	ctx, cancel := within(ctx, c.limit)
	defer cancel()
	results, err := c.pg.Exec(ctx, sql).ReadAll()
	if err != nil {
		return nil, cause(err)
	}
	if len(results) == 0 {
		return nil, nil
	}
	return results[len(results)-1].Rows, nil
}
