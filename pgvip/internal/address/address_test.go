package address

import (
	"fmt"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"db1", `error: "db1" is no IP address`},
		{"192.0.2.1/24", `error: "192.0.2.1/24": write the address alone, 192.0.2.1 without /24`},
		{"192.0.2.1%", `error: "192.0.2.1%": "" is no name of a network interface`},
		{"192.0.2.1%eth0/1", `error: "192.0.2.1%eth0/1": "eth0/1" is no name of a network interface`},
		{"192.0.2.1%interface-of-16b", `error: "192.0.2.1%interface-of-16b": "interface-of-16b" is no name of a network interface`},
		{"192.0.2.1, 192.0.2.1", "error: 192.0.2.1 is there twice"},
		{"192.0.2.1, ::ffff:192.0.2.1", "error: 192.0.2.1 is there twice"},
		{"127.0.0.1", "error: 127.0.0.1 is not an address that a host can have for others"},
		{"224.0.0.1", "error: 224.0.0.1 is not an address that a host can have for others"},
		{"0.0.0.0", "error: 0.0.0.0 is not an address that a host can have for others"},
		{"fe80::1", "error: fe80::1 is not an address that a host can have for others"},
		{"", "[]"},
		{" , ", "[]"},
		{"192.0.2.1", "[192.0.2.1 on ]"},
		{" 192.0.2.1%eth0,2001:db8::1 ,192.0.2.2%eth0.7", "[192.0.2.1 on eth0 2001:db8::1 on  192.0.2.2 on eth0.7]"},
	} {
		all, err := Parse(c.in)
		var words []string
		for _, a := range all {
			words = append(words, a.String()+" on "+a.Dev)
		}
		got := fmt.Sprint(words)
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != c.want {
			t.Errorf("%q gives %s, wanted %s", c.in, got, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("192.0.2.1%eth0, 2001:db8::1")
	f.Add("::ffff:192.0.2.1")
	f.Fuzz(func(t *testing.T, list string) {
		all, err := Parse(list)
		if err != nil {
			return
		}
		var words []string
		for _, a := range all {
			if a.IP.Zone() != "" || a.Dev != "" && !validName(a.Dev) {
				t.Fatalf("%q gives %+v", list, a)
			}
			word := a.IP.String()
			if a.Dev != "" {
				word += "%" + a.Dev
			}
			words = append(words, word)
		}
		again, err := Parse(strings.Join(words, ","))
		if err != nil || fmt.Sprint(again) != fmt.Sprint(all) {
			t.Fatalf("%q gives %v, and that %v, %v", list, all, again, err)
		}
	})
}
