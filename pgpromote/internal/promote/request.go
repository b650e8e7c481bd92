// Package promote makes one standby the primary, in steps that can be repeated.
package promote

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// A Request says what is wanted. It comes from flags or as JSON.
type Request struct {
	Node      *int   `json:"node,omitempty"`       // a backend's number; nil for the most advanced standby
	Epoch     uint64 `json:"epoch,omitempty"`      // generation of the primary that it is to be; 0 for the next one
	TimeoutMS int64  `json:"timeout_ms,omitempty"` // for everything; 0 for 30 seconds
	Force     bool   `json:"force,omitempty"`      // also while it receives from a primary that lives
	DryRun    bool   `json:"dry_run,omitempty"`    // look and say, change nothing
	Local     bool   `json:"local,omitempty"`      // the server is on this host: pg_ctl may help
}

// maxRequest is the most bytes in a request on standard input.
const maxRequest = 64 << 10

// ReadRequest reads one JSON object. A member that it does not know is an error: it might have been meant to prevent
// the promotion.
func ReadRequest(r io.Reader) (Request, error) {
	var q Request
	text, err := io.ReadAll(io.LimitReader(r, maxRequest+1))
	if err == nil && len(text) > maxRequest {
		err = fmt.Errorf("more than %d bytes", maxRequest)
	}
	if err == nil {
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		if err = d.Decode(&q); err == nil && len(bytes.TrimSpace(text[d.InputOffset():])) > 0 {
			err = errors.New("there is more behind the object")
		}
	}
	if err == nil && q.TimeoutMS < 0 {
		err = fmt.Errorf("timeout_ms is %d", q.TimeoutMS)
	}
	if err != nil {
		return q, fmt.Errorf("the request on standard input (one JSON object): %w", err)
	}
	return q, nil
}

// Timeout is how long everything may take.
func (q Request) Timeout() time.Duration {
	if q.TimeoutMS == 0 {
		return 30 * time.Second
	}
	return time.Duration(q.TimeoutMS) * time.Millisecond
}
