// Package step reports what a tool does as JSON lines, one for each step.
package step

import (
	"encoding/json"
	"io"
	"sync"
	"time"
)

// A Step is one line: what was done and how it went. Each tool's manual page names its steps.
type Step struct {
	Step     string  `json:"step"`
	Node     *int    `json:"node,omitempty"`
	Command  string  `json:"command,omitempty"` // as one could type it
	OK       bool    `json:"ok"`
	Detail   any     `json:"detail,omitempty"`
	Err      string  `json:"err,omitempty"`
	TookMS   float64 `json:"took_ms"`
	Skipped  bool    `json:"skipped,omitempty"` // a dry run would have done it here
	Epoch    uint64  `json:"epoch,omitempty"`
	Timeline uint32  `json:"timeline,omitempty"`
}

// A Journal writes steps. Several goroutines may use it.
type Journal struct {
	W   io.Writer
	Now func() time.Time

	mu sync.Mutex
}

// Do carries out one step and writes its line. f fills in what there is to say. The error is f's, else the writer's.
func (j *Journal) Do(s Step, f func(*Step) error) error {
	begin := j.Now()
	err := f(&s)
	s.OK = err == nil
	if err != nil {
		s.Err = err.Error()
	}
	s.TookMS = float64(j.Now().Sub(begin).Microseconds()) / 1000
	line, encodeErr := json.Marshal(s)
	j.mu.Lock()
	defer j.mu.Unlock()
	if encodeErr == nil {
		_, encodeErr = j.W.Write(append(line, '\n'))
	}
	if err == nil {
		err = encodeErr
	}
	return err
}
