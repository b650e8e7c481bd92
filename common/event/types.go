package event

// The types of events, in the member type of each line.
const (
	TypeHello         = "hello"
	TypeSnapshot      = "snapshot"
	TypeResync        = "resync"
	TypeTick          = "tick"
	TypeLeader        = "leader"
	TypeQuorum        = "quorum"
	TypeNode          = "node"
	TypeBackend       = "backend"
	TypePrimaryLost   = "primary.lost"
	TypeFailover      = "failover"
	TypePrimary       = "primary"
	TypeFence         = "fence"
	TypeFenceAck      = "fence.ack"
	TypeVIPGrant      = "vip.grant"
	TypeVIPRevoke     = "vip.revoke"
	TypeVIPUp         = "vip.up"
	TypeVIPDown       = "vip.down"
	TypeVIPConflict   = "vip.conflict"
	TypePromoteDone   = "promote.done"
	TypeRecover       = "recover"
	TypeDataDiscarded = "data.discarded"
	TypeSplitBrain    = "split_brain"
	TypeConfig        = "config"
	TypePause         = "pause"
	TypeLog           = "log"
	TypeBye           = "bye"
)

// known holds all types that a Reader hands out.
var known = func() map[string]bool {
	m := make(map[string]bool)
	for _, t := range []string{TypeHello, TypeSnapshot, TypeResync, TypeTick, TypeLeader, TypeQuorum, TypeNode, TypeBackend,
		TypePrimaryLost, TypeFailover, TypePrimary, TypeFence, TypeFenceAck, TypeVIPGrant, TypeVIPRevoke, TypeVIPUp, TypeVIPDown,
		TypeVIPConflict, TypePromoteDone, TypeRecover, TypeDataDiscarded, TypeSplitBrain, TypeConfig, TypePause, TypeLog, TypeBye} {
		m[t] = true
	}
	return m
}()
