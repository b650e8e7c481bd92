package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// TestPgxModes runs statements in each way that pgx has to run them.
func TestPgxModes(t *testing.T) {
	r := start(t, shared(t), reads)
	for _, mode := range []string{"cache_statement", "cache_describe", "describe_exec", "exec", "simple_protocol"} {
		t.Run(mode, func(t *testing.T) {
			c, ctx := r.pgx(t, "default_query_exec_mode="+mode), within(t)
			for i := 1; i <= 20; i++ {
				var name string
				if err := c.QueryRow(ctx, "SELECT name FROM items WHERE id = $1", i).Scan(&name); err != nil {
					t.Fatal(err)
				}
				want(t, "the name", name, fmt.Sprint("item ", i))
			}
			var n int
			var at time.Time
			var list []int32
			err := c.QueryRow(ctx, "SELECT $1::int, $2::timestamptz, $3::int[]", 7, time.Unix(1e9, 0), []int32{1, 2}).Scan(&n, &at, &list)
			if err != nil || n != 7 || !at.Equal(time.Unix(1e9, 0)) || !reflect.DeepEqual(list, []int32{1, 2}) {
				t.Errorf("got %v, %v, %v, %v", n, at, list, err)
			}
			err = c.QueryRow(ctx, "SELECT 1 / $1::int", 0).Scan(&n)
			want(t, "division by zero", code(err), "22012")
			if err := c.QueryRow(ctx, "SELECT 3").Scan(&n); err != nil || n != 3 {
				t.Errorf("after the error: %v, %v", n, err)
			}
		})
	}
}

// TestPgxBatch sends statements of all kinds in one pipeline.
func TestPgxBatch(t *testing.T) {
	r := start(t, shared(t), reads)
	c, ctx := r.pgx(t), within(t)
	if _, err := c.Exec(ctx, "CREATE TABLE pgx_batch (id int PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	defer c.Exec(ctx, "DROP TABLE pgx_batch")
	for round := range 3 {
		var b pgx.Batch
		for i := range 100 {
			b.Queue("INSERT INTO pgx_batch VALUES ($1)", round*100+i)
			b.Queue("SELECT count(*) FROM pgx_batch WHERE id = $1", round*100+i)
		}
		results := c.SendBatch(ctx, &b)
		for i := range 100 {
			if tag, err := results.Exec(); err != nil || tag.RowsAffected() != 1 {
				t.Fatalf("insert %d of round %d: %v, %v", i, round, tag, err)
			}
			var n int
			if err := results.QueryRow().Scan(&n); err != nil || n != 1 {
				t.Fatalf("read %d of round %d: %d, %v", i, round, n, err)
			}
		}
		if err := results.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var b pgx.Batch
	b.Queue("INSERT INTO pgx_batch VALUES (1000)")
	b.Queue("INSERT INTO pgx_batch VALUES (1000)")
	b.Queue("SELECT 1")
	want(t, "a batch with an error", code(c.SendBatch(ctx, &b).Close()), "23505")
	var n int
	if err := c.QueryRow(ctx, "SELECT count(*) FROM pgx_batch WHERE forced()").Scan(&n); err != nil || n != 300 {
		t.Errorf("a batch is one transaction: %d rows, %v, want 300", n, err)
	}
}

// TestPgxCopy copies in both formats and both ways.
func TestPgxCopy(t *testing.T) {
	r := start(t, shared(t), reads)
	c, ctx := r.pgx(t), within(t)
	if _, err := c.Exec(ctx, "CREATE TEMP TABLE pgx_copy (id int, name text)"); err != nil {
		t.Fatal(err)
	}
	rows := make([][]any, 10000)
	for i := range rows {
		rows[i] = []any{i, strings.Repeat("x", i%100)}
	}
	n, err := c.CopyFrom(ctx, pgx.Identifier{"pgx_copy"}, []string{"id", "name"}, pgx.CopyFromRows(rows))
	if err != nil || n != 10000 {
		t.Fatalf("binary copy in: %d, %v", n, err)
	}
	for _, format := range []string{"text", "binary", "csv"} {
		var data bytes.Buffer
		tag, err := c.PgConn().CopyTo(ctx, &data, "COPY pgx_copy TO STDOUT (FORMAT "+format+")")
		if err != nil || tag.RowsAffected() != 10000 {
			t.Fatalf("copy out as %s: %v, %v", format, tag, err)
		}
		tag, err = c.PgConn().CopyFrom(ctx, &data, "COPY pgx_copy FROM STDIN (FORMAT "+format+")")
		if err != nil || tag.RowsAffected() != 10000 {
			t.Fatalf("copy in as %s: %v, %v", format, tag, err)
		}
		if _, err := c.Exec(ctx, "DELETE FROM pgx_copy WHERE ctid NOT IN (SELECT min(ctid) FROM pgx_copy GROUP BY id)"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPgxNotify hears its own and another session's notifications, also while it only waits.
func TestPgxNotify(t *testing.T) {
	r := start(t, shared(t), reads)
	c, other, ctx := r.pgx(t), r.connect(t), within(t)
	if _, err := c.Exec(ctx, "LISTEN pgx_notify"); err != nil {
		t.Fatal(err)
	}
	hear := func(payload string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		n, err := c.WaitForNotification(ctx)
		if err != nil || n.Channel != "pgx_notify" || n.Payload != payload {
			t.Fatalf("heard %+v, %v, want %s", n, err, payload)
		}
	}
	c.Exec(ctx, "NOTIFY pgx_notify, 'own'")
	hear("own")
	sent := make(chan error, 1)
	go func() {
		time.Sleep(50 * time.Millisecond) // so that it most often comes while the listener waits
		sent <- other.Exec(ctx, "NOTIFY pgx_notify, 'another''s'").Close()
	}()
	hear("another's")
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		simple(t, other, fmt.Sprintf("NOTIFY pgx_notify, '%d'", i))
	}
	for i := range 100 {
		hear(fmt.Sprint(i))
	}
}

// TestPgxLargeObject writes and reads a large object by function calls in a transaction.
func TestPgxLargeObject(t *testing.T) {
	r := start(t, shared(t), reads)
	c, ctx := r.pgx(t), within(t)
	data := bytes.Repeat([]byte("0123456789"), 50000)
	err := pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
		lo := tx.LargeObjects()
		oid, err := lo.Create(ctx, 0)
		if err != nil {
			return err
		}
		o, err := lo.Open(ctx, oid, pgx.LargeObjectModeRead|pgx.LargeObjectModeWrite)
		if err != nil {
			return err
		}
		if _, err := o.Write(data); err != nil {
			return err
		}
		if _, err := o.Seek(0, io.SeekStart); err != nil {
			return err
		}
		got, err := io.ReadAll(o)
		if err == nil && !bytes.Equal(got, data) {
			err = fmt.Errorf("got %d other bytes", len(got))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
