package frame

import "math"

// The types of requests. What follows in the payload is in the comment; text means that it ends with a zero byte.
const (
	Salt             = 'M' // nothing; the answer is four random bytes
	Login            = 'R' // user and Answer, texts
	Exit             = 'X' // nothing; the connection ends
	NodeCount        = 'L' // nothing
	NodeInfo         = 'I' // node or -1 for all, text
	HealthCheckStats = 'H' // node, text
	ProcCount        = 'N' // nothing
	ProcInfo         = 'P' // process or 0 for all, text
	WatchdogInfo     = 'W' // -1 for all, 0 for the one that is asked, or k for the k-th other, text
	PoolStatus       = 'B' // nothing
	Attach           = 'C' // node, text
	Detach           = 'D' // node, text
	DetachGracefully = 'd' // the same, when the clients have left
	Promote          = 'J' // node, a blank, a zero byte, and SwitchoverFlag or RelabelFlag; in 4.2 the node as a text
	PromoteGraceful  = 'j' // the same, when the clients have left
	Recover          = 'O' // node, text
	Stop             = 'T' // mode, one byte: s, f or i; this node
	StopCluster      = 't' // the same, all nodes
	Reload           = 'Z' // ScopeLocal or ScopeCluster, one byte
	Rotate           = 'V' // the same
	InvalidateCache  = 'G' // nothing
	SetParameter     = 'A' // name and value, texts
)

// Bytes inside requests.
const (
	SwitchoverFlag = 's' // Promote: the server itself is promoted
	RelabelFlag    = 'n' // Promote: only Pgpool-II's own record changes
	SmartStop      = 's' // Stop: when the clients have left
	FastStop       = 'f' // Stop: sessions are ended
	ImmediateStop  = 'i' // Stop: at once
	ScopeLocal     = 'l'
	ScopeCluster   = 'c'
)

// The types of replies that are not those of their requests in lower case.
const (
	SaltReply    = 'm'
	LoginReply   = 'r'
	ErrorReply   = 'E' // a Problem
	NoticeReply  = 'N' // a Problem that is only told; the reply proper follows
	PromoteReply = 'd' // as for Detach
	RecoverReply = 'c' // as for Attach
)

// The first texts of replies.
const (
	Authenticated = "AuthenticationOK" // LoginReply
	Complete      = "CommandComplete"  // the last reply to a request
	ArraySize     = "ArraySize"        // how many of the next follow
	NodeInfoItem  = "NodeInfo"
	ProcInfoItem  = "ProcessInfo"
	StatusItem    = "ProcessConfig"
)

// FullWeight is the weight of a node that gets all reads: the C library's RAND_MAX, of which Pgpool-II sends a part.
const FullWeight = math.MaxInt32
