package trap

import (
	"maps"
	"strings"
	"testing"
)

var two = Crew{RecoveryUser: "postgres", Servers: []Server{{ID: 0, Host: "db1", Addr: "db1:5432", Name: "first"}, {ID: 1, Host: "db2", Addr: "db2:5432"}}}

// sound are the Facts of servers in which there is no trap.
func sound() []Facts {
	settings := map[string]string{"restore_command": "", "archive_command": "", "archive_mode": "off", "wal_retrieve_retry_interval": "500", "hot_standby": "on",
		"wal_log_hints": "on", "data_checksums": "off", "full_page_writes": "on", "max_wal_senders": "10", "max_replication_slots": "10", "wal_level": "replica",
		"wal_keep_size": "0", "max_slot_wal_keep_size": "1024", "synchronous_standby_names": "db2"}
	return []Facts{
		{ID: 0, Primary: true, Receivers: []string{"db2"}, Slots: 1, Used: 1, Super: true, Settings: settings},
		{ID: 1, Standby: true, Settings: maps.Clone(settings)},
	}
}

func TestFind(t *testing.T) {
	if got := two.Find(sound()); got != nil {
		t.Errorf("%q", got)
	}
	set := func(id int, name, value string) func([]Facts) {
		return func(all []Facts) { all[id].Settings[name] = value }
	}
	for want, change := range map[string]func([]Facts){
		"backend 1 (db2:5432): restore_command = 'scp arch:/a/%f %p': scp ends with 255 when its host is away, and then PostgreSQL shuts the standby down just when it is needed (write 'scp arch:/a/%f %p || false')": set(1, "restore_command", "scp arch:/a/%f %p"),
		"backend 1 (db2:5432): restore_command fetches from db1": set(1, "restore_command", "scp db1:/a/%f %p || false"),
		"backend 0 (db1:5432): archive_command sends to db2": func(all []Facts) {
			set(0, "archive_mode", "on")(all)
			set(0, "archive_command", "cp %p /net/db2/%f")(all)
		},
		"wal_retrieve_retry_interval is 5000 ms":                           set(1, "wal_retrieve_retry_interval", "5000"),
		"hot_standby is off":                                               set(1, "hot_standby", "off"),
		"neither wal_log_hints nor data checksums are on":                  set(0, "wal_log_hints", "off"),
		"full_page_writes is off":                                          set(0, "full_page_writes", "off"),
		"max_wal_senders is 2: 1 standbys and a base backup need 3":        set(1, "max_wal_senders", "2"),
		"max_replication_slots is 0":                                       set(1, "max_replication_slots", "0"),
		"wal_level is minimal":                                             set(0, "wal_level", "minimal"),
		"recovery_user 'postgres' is no superuser":                         func(all []Facts) { all[0].Super = false },
		"1 of 1 standbys have no replication slot, and wal_keep_size is 0": func(all []Facts) { all[0].Used = 0 },
		"and wal_keep_segments is 0: one that was away for a moment may need a new copy (give each a slot (primary_slot_name), or set wal_keep_segments)": func(all []Facts) {
			delete(all[0].Settings, "wal_keep_size")
			set(0, "wal_keep_segments", "0")(all)
			all[0].Used = 0
		},
		"backend 0 (db1:5432): slot old keeps 1.5 GiB of WAL, and nobody receives from it (bring its standby back, or, if that is gone, SELECT pg_drop_replication_slot('old'))": func(all []Facts) {
			all[0].Idle = []Slot{{"young", 1 << 29}, {"old", 3 << 29}}
		},
		"max_slot_wal_keep_size is -1":                                             set(0, "max_slot_wal_keep_size", "-1"),
		"synchronous_standby_names has 'nobody', as which no standby is connected": set(0, "synchronous_standby_names", "ANY 1 (DB2, First, nobody)"),
	} {
		all := sound()
		change(all)
		if got := two.Find(all); len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("%s:\n%q", want, got)
		}
	}
}

// What is not known is no trap.
func TestUnknownSettings(t *testing.T) {
	if got := two.Find([]Facts{{ID: 1, Standby: true}}); got != nil {
		t.Errorf("%q", got)
	}
	all := sound()
	all[0].Settings["wal_retrieve_retry_interval"] = "5000"
	if got := two.Find(all); got != nil {
		t.Errorf("of a primary: %q", got)
	}
}

func TestCopies(t *testing.T) {
	for command, want := range map[string]string{
		"":                                            "",
		"cp /archive/%f %p":                           "",
		"scp db1:/a/%f %p":                            "scp",
		"/usr/bin/scp -q db1:/a/%f %p ;":              "scp",
		"timeout 10 ssh db1 cat /a/%f > %p":           "ssh",
		"rsync -a db1::wal/%f %p && true":             "rsync",
		"test -d /a && scp db1:/a/%f %p":              "scp",
		"bash -c 'scp db1:/a/%f %p'":                  "scp",
		"scp db1:/a/%f %p || false":                   "",
		"scp db1:/a/%f %p || exit 1":                  "",
		"bash -c \"scp db1:/a/%f %p || exit 1\"":      "",
		"scp db1:/a/%f %p; test -f %p":                "",
		"ssh db1 cat /a/%f | gunzip > %p":             "",
		"/usr/local/bin/fetch-scp-wal %f %p":          "",
		"cp /a/%f %p || scp db1:/a/%f %p":             "scp",
		"envdir /etc/wal-e wal-g wal-fetch %f \"%p\"": "",
	} {
		if got := copies(command); got != want {
			t.Errorf("%s: %q, want %q", command, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	for command, want := range map[string]bool{
		"scp db1:/a/%f %p": true, "scp postgres@db1:/a/%f %p": true, "rsync db1::wal/%f %p": true, "cp /net/db1/%f %p": true, "curl http://db1/%f": true,
		"scp db10:/a/%f %p": false, "scp db1.example:/a/%f %p": false, "scp xdb1:/a": false, "cp /db1-archive/%f %p": false, "": false,
	} {
		if got := names(command, "db1"); got != want {
			t.Errorf("%s: %v", command, got)
		}
	}
	if names("cp /tmp/%f %p", "/tmp") || names("x", "") {
		t.Error("a socket's folder is no host")
	}
}
