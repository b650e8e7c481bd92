package main

import (
	"fmt"
	"testing"

	"github.com/pgcrew/pgcrew/common/exit"
	"github.com/pgcrew/pgcrew/common/pgtest"
)

func TestDropSlot(t *testing.T) {
	t.Parallel()
	primary := pgtest.Primary(t)
	standby := primary.Standby(t, pgtest.Name("db_3")) // in use, by whomever
	standby.WaitReplay(t, primary)
	primary.Until(t, "SELECT active FROM pg_replication_slots", "t") // it has what it came with, and may not stream yet
	for _, name := range []string{"127_0_0_1", "db_2", "other"} {
		primary.Exec(t, fmt.Sprintf("SELECT pg_create_physical_replication_slot('%s', true)", name))
	}
	file := conf(t, primary)
	for _, w := range []want{
		{"", "drop-slot --host db-2", exit.Usage, "", "--port"},
		{"", "drop-slot --host 127.0.0.1 --port " + fmt.Sprint(primary.Port()), exit.Not, "", "is node 0 of the configuration"},
		{"", "drop-slot --host 127.0.0.1 --port 1", exit.OK, "there is none", ""}, // the other name may be node 0's
		{"", "drop-slot --host db-3 --port 5432", exit.Temporary, `"ok":false,"err":"it is in use"`, "slot db_3 on node 0: it is in use"},
		{"", "drop-slot --host db-2 --port 5432 --to 0", exit.OK, `"step":"drop slot","node":0,"command":"SELECT pg_drop_replication_slot('db_2')","ok":true,"took_ms"`, ""},
		{"", "drop-slot --host db-2 --port 5432", exit.OK, "there is none", ""},
	} {
		w.try(t, file)
	}
	if got := primary.Query1(t, "SELECT string_agg(slot_name, ' ' ORDER BY slot_name) FROM pg_replication_slots"); got != "127_0_0_1 db_3 other" {
		t.Errorf("the slots are %s", got)
	}
}
