package plan

import (
	"strings"
	"testing"
)

const controlText = `pg_control version number:            1300
Catalog version number:               202209061
Database system identifier:           7445566778899001122
Database cluster state:               shut down in recovery
pg_control last modified:             Mon Nov 23 12:00:00 2026
Latest checkpoint location:           1/60000D8
Latest checkpoint's REDO location:    1/60000A0
Latest checkpoint's TimeLineID:       3
Minimum recovery ending location:     1/7000000
Min recovery ending loc's timeline:   3
wal_log_hints setting:                off
Bytes per WAL segment:                16777216
Data page checksum version:           1
`

func TestParseControl(t *testing.T) {
	c, err := parseControl(controlText)
	want := control{systemID: "7445566778899001122", state: "shut down in recovery", checkpoint: 1<<32 | 0x60000D8, timeline: 3, recovered: 1<<32 | 0x7000000, segmentSize: 16 << 20, hints: true}
	if err != nil || c != want || !c.clean() || !c.standby() {
		t.Errorf("%+v, %v", c, err)
	}
	for from, to := range map[string]string{"Database system": "Databank", "TimeLineID:       3": "TimeLineID:  x", "1/60000D8": "1-6", "16777216": "0"} {
		if c, err := parseControl(strings.Replace(controlText, from, to, 1)); err == nil {
			t.Errorf("without %s: %+v", from, c)
		}
	}
}

func FuzzParseControl(f *testing.F) {
	f.Add(controlText)
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := parseControl(text); err == nil && c.segmentSize == 0 {
			t.Errorf("%+v", c)
		}
	})
}

func TestParseRecord(t *testing.T) {
	r, ok := parseRecord("rmgr: XLOG        len (rec/tot):    114/   114, tx:          0, lsn: 0/03000148, prev 0/03000110, desc: CHECKPOINT_SHUTDOWN redo 0/3000148; tli 1;")
	if !ok || r != (record{0x3000148, 0x3000148 + 120}) {
		t.Errorf("%+v %v", r, ok)
	}
	if r, ok := parseRecord("pg_waldump: error"); ok {
		t.Errorf("%+v", r)
	}
}

func FuzzParseRecord(f *testing.F) {
	f.Add("rmgr: XLOG        len (rec/tot):    114/   114, tx:          0, lsn: 0/03000148, prev 0/03000110, desc: CHECKPOINT_SHUTDOWN redo 0/3000148")
	f.Fuzz(func(t *testing.T, line string) {
		if r, ok := parseRecord(line); ok && r.end <= r.at {
			t.Errorf("%+v", r)
		}
	})
}
