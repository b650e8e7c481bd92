package hold

import (
	"time"

	"github.com/pgcrew/pgcrew/common/event"
)

// An Action is something that a Machine wants done. Those with a Job are answered, with the same number; until then the
// Machine asks for no other one.
type Action interface{ action() }

// A Probe asks the network whether somebody else has the address. The answer is Probed.
type Probe struct{ Job int }

// A Claim takes the address. The answer is Claimed.
type Claim struct {
	Job      int
	Token    uint64
	Lifetime time.Duration // for the kernel, in whole seconds
}

// A Release gives the address up. The answer is Released.
type Release struct {
	Job    int
	Reason string
}

// A Cancel says that the result of the job that runs is no longer wanted. It is answered all the same.
type Cancel struct{}

// A Renew gives the address another lifetime. When that does not work, NotRenewed says so.
type Renew struct{ Lifetime time.Duration }

// An Announce tells the neighbours where the address is.
type Announce struct{}

// A Report is for pgwatch and for people: vip.up, vip.down or vip.conflict, without address and device, which the
// Machine does not know.
type Report struct{ Event event.Payload }

func (Probe) action()    {}
func (Claim) action()    {}
func (Release) action()  {}
func (Cancel) action()   {}
func (Renew) action()    {}
func (Announce) action() {}
func (Report) action()   {}
