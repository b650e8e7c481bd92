package keeper

import (
	"context"
	"errors"
)

// Status is what is known of one address, as pgvip status shows it.
type Status struct {
	Addr        string `json:"addr"`
	Dev         string `json:"dev,omitempty"`
	State       string `json:"state"`
	ForMS       int64  `json:"for_ms"`                 // how long it has been in that state
	Reason      string `json:"reason,omitempty"`       // why it is not up
	Token       uint64 `json:"token,omitempty"`        // of the lease
	RemainingMS int64  `json:"remaining_ms,omitempty"` // of the lease
	RivalMAC    string `json:"rival_mac,omitempty"`    // of another holder, when one was met last
}

// Status returns the state of all addresses.
func (k *Keeper) Status(ctx context.Context) ([]Status, error) {
	answer := make(chan []Status, 1)
	select {
	case k.asked <- answer:
		return <-answer, nil
	case <-k.done:
		return nil, errors.New("pgvip stops")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (k *Keeper) status() []Status {
	now := k.now()
	var all []Status
	for _, g := range k.each {
		state, since, reason := g.machine.State()
		s := Status{Addr: g.address.IP.String(), Dev: g.address.Dev, State: string(state), ForMS: (now - since).Milliseconds(),
			Reason: reason, RivalMAC: g.machine.Rival()}
		if v := g.machine.Verdict(); v.Mine {
			s.Token, s.RemainingMS = v.Lease.Token, max(0, v.Lease.Remaining(now)).Milliseconds()
		}
		all = append(all, s)
	}
	return all
}
