package probe

import (
	"testing"

	"github.com/pgcrew/pgcrew/common/passwd"
)

func TestPassword(t *testing.T) {
	key := passwd.NewKey("key", []byte("postgres"))
	pw, err := passwd.Parse("pool_passwd", []byte("ann:TEXTfromfile\nbob:md5d145a5534fd1a11e152149ae1c4434d2\ncid:AESbPro4vs9cT622am0+RjU3Q==\n"), key)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, user, setting, want string }{
		{"nobody knows it", "eve", "", ""},
		{"a hash logs nobody in", "bob", "", ""},
		{"from pool_passwd", "ann", "", "fromfile"},
		{"encrypted in pool_passwd", "cid", "", "postgres"},
		{"the setting wins", "ann", `pl:ai\n`, `pl:ai\n`},
		{"a setting marked as text", "ann", `TEXTpl:ai\n`, `pl:ai\n`},
		{"an encrypted setting", "ann", "AESmc87viJeOlmoN/1OUCl1Bg==", "secretpw"},
	} {
		if got := Password(c.user, c.setting, pw, key); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	if got := Password("ann", "", nil, nil); got != "" {
		t.Errorf("without a file: %q", got)
	}
}
