package server

import "sync"

// places counts who is there. most and each are set before use.
type places struct {
	most int // together
	each int // of one address

	mu    sync.Mutex
	taken int
	of    map[string]int
}

// take takes a place for a client of that address, if there is one.
func (p *places) take(from string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken >= p.most || p.of[from] >= p.each {
		return false
	}
	if p.of == nil {
		p.of = make(map[string]int)
	}
	p.taken++
	p.of[from]++
	return true
}

// leave gives it back.
func (p *places) leave(from string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken--
	if p.of[from]--; p.of[from] == 0 {
		delete(p.of, from)
	}
}
