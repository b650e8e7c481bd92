package loop

// The limits of what waits for the end of a round, in bytes.
const (
	smallSend = 4 << 10  // a larger one is worth its own system call, and copying it is not
	fullBatch = 64 << 10 // of all connections together
)

// A batch holds small sends until everything that one wait brought has been read. Each send wakes the peer, which may
// take the processor at once; with the sends behind the reads the loop does its own work in one go. It took a tenth
// off the CPU of a query with 32 clients.
type batch struct {
	open    bool
	bytes   []byte
	parcels []parcel
}

// A parcel is a part of a batch's bytes for one connection.
type parcel struct {
	c        *Conn
	from, to int
}

// defers keeps b for the end of the round and reports true, or reports false when it must be written now; then
// nothing of the connection is in the batch any more.
func (l *Loop) defers(c *Conn, b []byte) bool {
	if l.batch.open && len(b) <= smallSend && len(c.out) == 0 && len(l.batch.bytes)+len(b) <= fullBatch {
		n := len(l.batch.bytes)
		if !c.deferred {
			c.deferred = true
			l.batch.bytes = append(l.batch.bytes, b...)
			l.batch.parcels = append(l.batch.parcels, parcel{c, n, n + len(b)})
			return true
		}
		if last := &l.batch.parcels[len(l.batch.parcels)-1]; last.c == c {
			l.batch.bytes = append(l.batch.bytes, b...)
			last.to += len(b)
			return true
		}
	}
	if c.deferred {
		l.writeBatch()
	}
	return false
}

// writeBatch writes what was kept.
func (l *Loop) writeBatch() {
	for i := range l.batch.parcels {
		p := &l.batch.parcels[i]
		p.c.deferred = false
		p.c.write(l.batch.bytes[p.from:p.to])
		p.c = nil
	}
	l.batch.bytes, l.batch.parcels = l.batch.bytes[:0], l.batch.parcels[:0]
}
