package node

import (
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/authority"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

func TestPressing(t *testing.T) {
	led := func(by clustermap.NodeID, s clustermap.State) *authority.View {
		v := &authority.View{Leader: by}
		if s != "" {
			v.Map.Failover = &clustermap.Failover{State: s}
		}
		return v
	}
	for name, c := range map[string]struct {
		before, now *authority.View
		want        bool
	}{
		"nothing new":              {led(1, ""), led(1, ""), false},
		"the leader is lost":       {led(1, ""), led(clustermap.None, ""), false},
		"another leader":           {led(1, ""), led(2, ""), true},
		"a leader at last":         {led(clustermap.None, ""), led(1, ""), true},
		"the old one is stopped":   {led(1, ""), led(1, clustermap.Fence), false},
		"WAL is replayed":          {led(1, clustermap.Recruit), led(1, clustermap.CatchUp), true},
		"the candidate is told to": {led(1, clustermap.Promote), led(1, clustermap.Promote), true},
		"the others follow":        {led(1, clustermap.Open), led(1, clustermap.Reconverge), false},
	} {
		if got := pressing(c.before, c.now); got != c.want {
			t.Errorf("%s: got %t", name, got)
		}
	}
}

// Each report brings an answer that may call rush again. That must not be a reason to report at once.
func TestRushDoesNotFeedItself(t *testing.T) {
	now := time.Hour
	o := newObserver(0, func() time.Duration { return now })
	rings := func() bool {
		select {
		case <-o.changed:
			return true
		default:
			return false
		}
	}
	if o.rush(); !rings() || !o.rushes() {
		t.Error("the first call reports nothing")
	}
	for range 3 {
		now += hurryFor / 2
		if o.rush(); rings() || !o.rushes() {
			t.Error("a call while it lasts reports at once")
		}
	}
	if now += hurryFor; o.rushes() {
		t.Error("it does not end")
	}
	if o.rush(); !rings() {
		t.Error("it does not begin again")
	}
}
