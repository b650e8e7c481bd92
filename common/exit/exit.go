// Package exit names the statuses with which every pgcrew program ends.
//
// They mean the same in all tools, so that a shell script or a systemd unit
// (RestartPreventExitStatus=100) can rely on them. 2 is left to a Go panic, 126 and
// above to the shell. New ones may come; an unknown one means failure.
package exit

const (
	OK        = 0   // the wanted state was reached
	Failed    = 1   // it was tried and did not work
	Not       = 3   // a question was asked and the answer is no
	Timeout   = 99  // the wanted state was not reached in time
	Usage     = 100 // wrong flags, arguments or configuration; trying again will not help
	Temporary = 111 // a system call or a peer failed; trying again may help
)
