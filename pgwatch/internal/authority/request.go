package authority

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/link"
)

// requestLimit is how many requests of other nodes are carried out at a time. Operators make them.
const requestLimit = 16

// requests pairs what this node asks of others with their answers, and carries out what they ask. Each message begins
// with a number of eight bytes.
type requests struct {
	mu      sync.Mutex
	no      uint64
	pending map[uint64]pending
	ctx     context.Context // of Run; nil before
	work    sync.WaitGroup
	busy    int
}

// A pending request is one that has no answer yet.
type pending struct {
	to     clustermap.NodeID
	answer chan []byte
}

// Request asks another node, which answers by its Options.Answer. A request may be carried out although its answer is lost.
func (r *Raft) Request(ctx context.Context, to clustermap.NodeID, body []byte) ([]byte, error) {
	if len(body) > link.MaxBody-8 {
		return nil, fmt.Errorf("a request of %d bytes is too long", len(body))
	}
	q := &r.requests
	p := pending{to, make(chan []byte, 1)}
	q.mu.Lock()
	q.no++
	no := q.no
	q.pending[no] = p
	q.mu.Unlock()
	defer func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		delete(q.pending, no)
	}()
	r.link.Send(to, link.Message{Kind: link.Request, Body: append(binary.BigEndian.AppendUint64(nil, no^r.opt.Boot), body...)})
	select {
	case b := <-p.answer:
		return b, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("no answer of node %d: %w", to, context.Cause(ctx))
	case <-r.ended:
		return nil, ErrStopped
	}
}

// begin lets requests be carried out until ctx ends.
func (q *requests) begin(ctx context.Context) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ctx = ctx
}

// wait waits for those that are being carried out.
func (q *requests) wait() {
	q.mu.Lock()
	q.ctx = nil
	q.mu.Unlock()
	q.work.Wait()
}

// serve carries out a request. When there are too many already it is dropped: the one who asked gets no answer in time.
func (q *requests) serve(from clustermap.NodeID, b []byte, answer func(context.Context, clustermap.NodeID, []byte) []byte, send func(clustermap.NodeID, link.Message)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ctx == nil || len(b) < 8 || answer == nil || q.busy == requestLimit {
		return
	}
	q.busy++
	ctx := q.ctx
	q.work.Go(func() {
		a := answer(ctx, from, b[8:])
		send(from, link.Message{Kind: link.Answer, Body: append(b[:8:8], a...)})
		q.mu.Lock()
		defer q.mu.Unlock()
		q.busy--
	})
}

// answered hands an answer to the one who waits for it.
func (q *requests) answered(from clustermap.NodeID, b []byte, boot uint64) {
	if len(b) < 8 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	p, ok := q.pending[binary.BigEndian.Uint64(b)^boot]
	if !ok || p.to != from {
		return
	}
	select {
	case p.answer <- b[8:]:
	default: // a second answer
	}
}

// Propose has a command agreed on, and returns the Map's revision with it. Errors are those of clustermap.Map.Apply,
// ErrNoLeader (nothing was done) and ErrUnsure.
func (r *Raft) Propose(ctx context.Context, cmd clustermap.Command) (clustermap.Rev, error) {
	done := make(chan Result, 1)
	r.mu.Lock()
	r.asked++
	id := r.asked
	r.waiters[id] = done
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.waiters, id)
	}()
	r.inbox.put(func(now time.Duration, c *Core) { c.Propose(now, id, cmd) })
	select {
	case res := <-done:
		return res.Rev, res.Err
	case <-ctx.Done():
		return clustermap.Rev{}, errors.Join(ErrUnsure, context.Cause(ctx))
	case <-r.ended:
		return clustermap.Rev{}, ErrStopped
	}
}

func (r *Raft) answer(res Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w := r.waiters[res.ID]; w != nil {
		w <- res
	}
}
