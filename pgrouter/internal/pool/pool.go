// Package pool keeps the idle server connections of one loop, for the next session of the same kind.
//
// It decides and counts; it knows no sockets. Not safe for concurrent use: the loop owns it.
package pool

import "time"

// An Item is an idle server connection.
type Item[K comparable, C any] struct {
	Key   K
	Node  int
	Epoch uint64    // of the cluster map in which the connection was opened
	Born  time.Time // when it was opened
	Since time.Time // when it was put here
	Conn  C

	prev, next *Item[K, C] // by age of Since, oldest first
}

// A Pool holds idle connections by key: who is logged in, how, and on which node.
type Pool[K comparable, C comparable] struct {
	idle           map[K][]*Item[K, C]
	oldest, newest *Item[K, C]
	count          int
}

// New makes an empty pool.
func New[K comparable, C comparable]() *Pool[K, C] {
	return &Pool[K, C]{idle: make(map[K][]*Item[K, C])}
}

// Len is the number of idle connections.
func (p *Pool[K, C]) Len() int { return p.count }

// Put adds an idle connection.
func (p *Pool[K, C]) Put(it *Item[K, C]) {
	p.idle[it.Key] = append(p.idle[it.Key], it)
	it.prev, it.next = p.newest, nil
	if p.newest != nil {
		p.newest.next = it
	} else {
		p.oldest = it
	}
	p.newest = it
	p.count++
}

// Take removes and returns the most recently used connection of a key, whose backend process is the warmest.
// One that was opened in another epoch is never handed out.
func (p *Pool[K, C]) Take(key K, epoch uint64) (*Item[K, C], bool) {
	items := p.idle[key]
	for i := len(items) - 1; i >= 0; i-- {
		if items[i].Epoch == epoch {
			it := items[i]
			p.remove(it)
			return it, true
		}
	}
	return nil, false
}

// Has tells whether there is an idle connection of a key.
func (p *Pool[K, C]) Has(key K) bool { return len(p.idle[key]) > 0 }

// Remove takes a connection out, because it broke, say.
func (p *Pool[K, C]) Remove(key K, c C) (*Item[K, C], bool) {
	for _, it := range p.idle[key] {
		if it.Conn == c {
			p.remove(it)
			return it, true
		}
	}
	return nil, false
}

// Oldest removes and returns the connection of a node (-1: of any) that has been idle for longest, to make room.
func (p *Pool[K, C]) Oldest(node int) (*Item[K, C], bool) {
	for it := p.oldest; it != nil; it = it.next {
		if node < 0 || it.Node == node {
			p.remove(it)
			return it, true
		}
	}
	return nil, false
}

// Expire removes and returns all for which old says so.
func (p *Pool[K, C]) Expire(old func(*Item[K, C]) bool) (out []*Item[K, C]) {
	for it := p.oldest; it != nil; {
		next := it.next
		if old(it) {
			p.remove(it)
			out = append(out, it)
		}
		it = next
	}
	return out
}

// Each calls f for all.
func (p *Pool[K, C]) Each(f func(*Item[K, C])) {
	for it := p.oldest; it != nil; it = it.next {
		f(it)
	}
}

func (p *Pool[K, C]) remove(it *Item[K, C]) {
	items := p.idle[it.Key]
	for i := range items {
		if items[i] == it {
			copy(items[i:], items[i+1:])
			items[len(items)-1] = nil
			items = items[:len(items)-1]
			break
		}
	}
	if len(items) == 0 {
		delete(p.idle, it.Key)
	} else {
		p.idle[it.Key] = items
	}
	if it.prev != nil {
		it.prev.next = it.next
	} else {
		p.oldest = it.next
	}
	if it.next != nil {
		it.next.prev = it.prev
	} else {
		p.newest = it.prev
	}
	it.prev, it.next = nil, nil
	p.count--
}
