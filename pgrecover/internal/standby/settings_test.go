package standby

import "testing"

var settings = Settings{`host=a password=it's\`, "", "s", "latest"}

func TestAutoConf(t *testing.T) {
	got := settings.AutoConf("# Do not edit\nPrimary_ConnInfo = 'x'\nprimary_conninfos = 'y'\n restore_command 'cp'\ninclude_if_exists = '/m.conf'")
	want := "# Do not edit\nprimary_conninfos = 'y'\ninclude_if_exists = '/m.conf'\n" +
		`primary_conninfo = 'host=a password=it''s\\'` + "\nrestore_command = ''\nprimary_slot_name = 's'\nrecovery_target_timeline = 'latest'\n"
	if got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestRecoveryConf(t *testing.T) {
	want := "standby_mode = 'on'\n" + `primary_conninfo = 'host=a password=it''s\\'` + "\nprimary_slot_name = 's'\nrecovery_target_timeline = 'latest'\n"
	if got := settings.recoveryConf(); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}
