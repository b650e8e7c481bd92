package pgtest

import (
	"fmt"
	"testing"
)

// An Option changes how a server is made.
type Option func(*options)

type options struct {
	conf   string
	hba    string
	initdb []string
	files  []file
	name   string
	noSlot bool
}

type file struct {
	name string
	data []byte
}

// Conf adds lines to postgresql.conf, such as "max_connections = 20".
func Conf(lines string) Option { return func(o *options) { o.conf += lines + "\n" } }

// KeepWAL is the line of postgresql.conf, or of ALTER SYSTEM SET, that keeps so many segments of WAL of 16 MB for standbys without a slot.
func KeepWAL(t testing.TB, segments int) string { return need(t).keepWAL(segments) }

func (p programs) keepWAL(segments int) string {
	if p.major < 13 {
		return fmt.Sprintf("wal_keep_segments = %d", segments)
	}
	return fmt.Sprintf("wal_keep_size = '%dMB'", 16*segments)
}

// HBA replaces the lines of pg_hba.conf that say who may log in how; without it everybody may, without a password.
// Two lines always stand before it: the user postgres is trusted on the Unix socket, and may replicate over TCP with
// its password.
func HBA(lines string) Option { return func(o *options) { o.hba = lines } }

// InitDB adds arguments to initdb, and gives the primary a system identifier of its own: without this option all
// primaries of one test process are copies of one template and share their identifier.
func InitDB(args ...string) Option {
	return func(o *options) { o.initdb = append([]string{}, args...) }
}

// File puts a file that only the server may read into the data directory, such as a TLS key.
func File(name string, data []byte) Option {
	return func(o *options) { o.files = append(o.files, file{name, data}) }
}

// Name sets a standby's application_name and slot, otherwise standby1, standby2, ... in the order of their creation.
// On a primary it only names the server in messages.
func Name(name string) Option { return func(o *options) { o.name = name } }

// NoSlot makes a standby without a replication slot.
func NoSlot() Option { return func(o *options) { o.noSlot = true } }
