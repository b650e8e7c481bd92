package hold

import "time"

// A Lease is the right to hold the addresses for a while.
type Lease struct {
	Token    uint64        // a higher one ends all lower ones
	Made     time.Duration // when the leader's word was given
	Deadline time.Duration // when it ends
}

// Remaining returns what is left of it; not above 0 when it is over.
func (l Lease) Remaining(now time.Duration) time.Duration { return l.Deadline - now }

// fresh says whether so much is left that an address may be claimed: half of it. A line that waited in a pipe for
// longer than that says too little about who leads now.
func (l Lease) fresh(now time.Duration) bool {
	return l.Remaining(now) > 0 && l.Remaining(now) >= (l.Deadline-l.Made)/2
}

// A Verdict is what the events add up to.
type Verdict struct {
	Mine   bool   // this node may hold the addresses, until the end of Lease
	Claim  bool   // and it may begin to: the quorum stands
	Lease  Lease  // when Mine
	Reason string // when not Mine
	Others Others
}

// Others is what is known of the lease of another node, which may still have the addresses.
type Others struct {
	Known bool
	Made  time.Duration // of the newest that was seen
	TTL   time.Duration
}

// slack is how long after a lease the kernel may take to remove an address: it looks after whole seconds, and was
// measured to be up to 0.35 s late.
const slack = 500 * time.Millisecond

// over returns when an address held under a lease that was made then is surely gone. Clocks of hosts may differ by one
// in a hundred; a lifetime is a whole number of seconds.
func over(made, ttl time.Duration) time.Duration {
	return made + Lifetime(ttl)*101/100 + slack
}

// Lifetime returns the kernel's lifetime for what remains of a lease: whole seconds, rounded up.
func Lifetime(remaining time.Duration) time.Duration {
	return max(1, (remaining+time.Second-1)/time.Second) * time.Second
}
