package route

// TempSet is a session's set of temporary relation names.
type TempSet struct {
	names map[string]struct{}
}

// Session is the routing state of one client session. It has no lock: whoever owns the session owns it.
type Session struct{}

// Decide gives the place where the statement with verdict v and text sql is to run, and notes what it will do.
func (s *Session) Decide(v Verdict, sql []byte) Target { return Primary }

// Settle is called when nothing is outstanding, with the transaction status of the server's last ReadyForQuery
// ('I', 'T', 'E'); failed says that a statement since the last Settle ended with an error.
func (s *Session) Settle(status byte, failed bool) {}
