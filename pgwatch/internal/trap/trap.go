// Package trap finds settings of PostgreSQL servers that do no harm until the day of a failover.
package trap

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pgcrew/pgcrew/pgwatch/internal/failover"
)

// A Crew is what the configuration says of the servers.
type Crew struct {
	Servers      []Server
	RecoveryUser string // as whom pgpromote and pgrecover log in
}

// A Server is a backend of the configuration.
type Server struct {
	ID         int
	Host, Addr string
	Name       string // backend_application_name, or ""
}

// Facts are what is known of one server.
type Facts struct {
	ID       int
	Standby  bool
	Settings map[string]string // by name, numbers in the server's own units; not all of them may be known

	// Of a primary that was asked.
	Primary     bool
	Receivers   []string // application_name of each standby
	Slots, Used int      // physical ones, and those that a standby uses
	Idle        []Slot   // those that nobody uses
	Super       bool     // RecoveryUser is there and a superuser
}

// A finding is a trap with its mend.
type finding struct{ text, mend string }

// Find names the traps of all servers of which something is known, each with its mend.
func (c Crew) Find(all []Facts) []string {
	return c.find(all, c.commands, c.standby, c.rewind, c.room, c.primary, c.slots)
}

func (c Crew) find(all []Facts, rules ...func(*Facts) []finding) (list []string) {
	for i := range all {
		f := &all[i]
		at := slices.IndexFunc(c.Servers, func(s Server) bool { return s.ID == f.ID })
		for _, rule := range rules {
			for _, found := range rule(f) {
				list = append(list, fmt.Sprintf("backend %d (%s): %s (%s)", f.ID, c.Servers[at].Addr, found.text, found.mend))
			}
		}
	}
	return list
}

// commands are about those that carry WAL between hosts.
func (c Crew) commands(f *Facts) (list []finding) {
	restore, archive := f.Settings["restore_command"], f.Settings["archive_command"]
	if tool := copies(restore); tool != "" {
		list = append(list, finding{
			fmt.Sprintf("restore_command = '%s': %s ends with 255 when its host is away, and then PostgreSQL shuts the standby down just when it is needed", restore, tool),
			fmt.Sprintf("write '%s || false'", restore)})
	}
	for _, s := range c.Servers {
		if s.ID != f.ID && names(restore, s.Host) {
			list = append(list, finding{fmt.Sprintf("restore_command fetches from %s, which is not always the primary, and may be away", s.Host),
				"fetch from an archive elsewhere, or do without: slots keep what a standby needs"})
		}
		if s.ID != f.ID && f.Settings["archive_mode"] != "off" && names(archive, s.Host) {
			list = append(list, finding{fmt.Sprintf("archive_command sends to %s: while that host is away, WAL fills the disk here", s.Host), "archive elsewhere"})
		}
	}
	return list
}

// names tells whether a host stands in a command as a word of its own.
func names(command, host string) bool {
	if host == "" || strings.HasPrefix(host, "/") {
		return false
	}
	return regexp.MustCompile(`(^|[^\w.-])` + regexp.QuoteMeta(host) + `($|[^\w.-])`).MatchString(command)
}

// retry is the longest wal_retrieve_retry_interval, in milliseconds, that does not count.
const retry = 1000

// standby is about being one.
func (c Crew) standby(f *Facts) (list []finding) {
	if n, ok := f.number("wal_retrieve_retry_interval"); ok && n > retry && f.Standby {
		list = append(list, finding{fmt.Sprintf("wal_retrieve_retry_interval is %d ms: after a change of the primary a standby may wait that long before it follows", n),
			"set it to 500ms"})
	}
	if f.Settings["hot_standby"] == "off" {
		list = append(list, finding{"hot_standby is off: as a standby it lets nobody in, and cannot be promoted by pgpromote", "set it to on"})
	}
	return list
}

// rewind is about what a lost primary needs to come back without a new copy.
func (c Crew) rewind(f *Facts) (list []finding) {
	if f.Settings["wal_log_hints"] == "off" && f.Settings["data_checksums"] == "off" {
		list = append(list, finding{"neither wal_log_hints nor data checksums are on: after a failover pg_rewind cannot be used, and a whole copy is made", "set wal_log_hints = on"})
	}
	if f.Settings["full_page_writes"] == "off" {
		list = append(list, finding{"full_page_writes is off: pg_rewind refuses the server", "set it to on"})
	}
	return list
}

// room is about how many standbys the server can serve, once it is the primary.
func (c Crew) room(f *Facts) (list []finding) {
	others := int64(len(c.Servers) - 1)
	if others == 0 {
		return nil
	}
	const backup = 2 // walsenders of pg_basebackup
	if n, ok := f.number("max_wal_senders"); ok && n < others+backup {
		list = append(list, finding{fmt.Sprintf("max_wal_senders is %d: %d standbys and a base backup need %d", n, others, others+backup), "raise it"})
	}
	if n, ok := f.number("max_replication_slots"); ok && n < others {
		list = append(list, finding{fmt.Sprintf("max_replication_slots is %d: as the primary it has %d standbys", n, others), "raise it"})
	}
	if f.Settings["wal_level"] == "minimal" {
		list = append(list, finding{"wal_level is minimal: no standby can follow it", "set it to replica"})
	}
	return list
}

// primary is about what counts on a primary only.
func (c Crew) primary(f *Facts) (list []finding) {
	if !f.Primary {
		return nil
	}
	if !f.Super {
		list = append(list, finding{fmt.Sprintf("recovery_user '%s' is no superuser there, or does not exist: pgpromote cannot promote a standby", c.RecoveryUser), "make it one, or set recovery_user"})
	}
	for _, keep := range []string{"wal_keep_size", "wal_keep_segments"} { // as it was called before PostgreSQL 13
		if n, ok := f.number(keep); ok && n == 0 && f.Used < len(f.Receivers) {
			list = append(list, finding{fmt.Sprintf("%d of %d standbys have no replication slot, and %s is 0: one that was away for a moment may need a new copy", len(f.Receivers)-f.Used, len(f.Receivers), keep),
				"give each a slot (primary_slot_name), or set " + keep})
		}
	}
	if f.Settings["max_slot_wal_keep_size"] == "-1" && f.Slots > 0 {
		list = append(list, finding{"max_slot_wal_keep_size is -1: a standby that stays away fills the disk of the primary", "set it to what the disk can spare"})
	}
	return append(list, c.unknown(f)...)
}

// unknown are synchronous standbys that nobody is.
func (c Crew) unknown(f *Facts) (list []finding) {
	known := []string{"*"}
	for _, r := range f.Receivers {
		known = append(known, strings.ToLower(r))
	}
	for _, s := range c.Servers {
		known = append(known, strings.ToLower(s.Name), strings.ToLower(s.Host))
	}
	_, wanted := failover.ParseSync(f.Settings["synchronous_standby_names"])
	for _, name := range wanted {
		if !slices.Contains(known, name) {
			list = append(list, finding{fmt.Sprintf("synchronous_standby_names has '%s', as which no standby is connected: commits may wait for it for ever", name),
				"set application_name in the primary_conninfo of the standby that is meant, or mend the name"})
		}
	}
	return list
}

func (f *Facts) number(name string) (int64, bool) {
	n, err := strconv.ParseInt(f.Settings[name], 10, 64)
	return n, err == nil
}
