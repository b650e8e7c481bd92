package hba

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func noFile(path string) ([]byte, error) { return nil, os.ErrNotExist }

func TestEveryProblemIsListedWithItsLine(t *testing.T) {
	for i, c := range []struct{ line, want string }{
		{`hosts all all all trust`, `"hosts" is no connection type: write local, host, hostssl or hostnossl`},
		{`local,host all all trust`, `"local,host" is no connection type`},
		{`local all all`, `local needs database, user and method, but the line ends after 3 words`},
		{`host all all 10.0.0.0/8`, `host needs database, user, address and method, but the line ends after 4 words`},
		{`host all all 10.0.0.1 255.0.0.0`, `no method at the end of the line`},
		{`host all all 10.0.0.0/33 trust`, `"10.0.0.0/33" is no address with mask length`},
		{`host all all 10.0.0.1 trust`, `"trust" is no netmask for address 10.0.0.1: write 10.0.0.1/32`},
		{`host all all 10.0.0.1 ffff:: trust`, `"ffff::" is no netmask for address 10.0.0.1`},
		{`host all all ::1 255.0.0.0 trust`, `"255.0.0.0" is no netmask for address ::1: write ::1/128`},
		{`host all all 10.0.0 trust`, `"10.0.0" is no valid address`},
		{`host all all a?b trust`, `"a?b" is neither an address nor a host name`},
		{`host all all a,b trust`, `one address is needed, not a list: a,b`},
		{`host all all all pam pamservice=x`, `method pam is not supported here`},
		{`host all all all ldap`, `method ldap is not supported here`},
		{`local all all peer`, `method peer is not supported here`},
		{`local all all scram`, `method "scram" is not known: use one of reject, trust, password, md5, scram-sha-256, cert`},
		{`local all all trust,md5`, `one method is needed, not a list: trust,md5`},
		{`host all all all cert`, `method cert needs TLS: write hostssl instead of host`},
		{`host all all all md5 clientcert=verify-ca`, `option clientcert needs TLS`},
		{`hostssl all all all md5 clientcert=1`, `option clientcert is "1": allowed are verify-ca and verify-full`},
		{`local all all trust map=x`, `option map is not known for method trust`},
		{`local all all trust extra`, `option "extra" is not of the form name=value`},
		{`local "all all trust`, `a quote (") is not closed`},
		{"local all a\x00l trust", `a zero byte in the line`},
		{`local @missing all trust`, `list missing: file does not exist`},
	} {
		text := strings.Repeat("# comment\n", i) + c.line + "\n"
		_, err := Parse("f", []byte(text), noFile)
		want := fmt.Sprintf("f:%d: %s", i+1, c.want)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s\n got %v\nwant %s", c.line, err, want)
		}
	}
	_, err := Parse("f", []byte("x\nlocal all all trust\n\nhost a b 1.2.3.4/99 magic\n"), noFile)
	var problems Problems
	if !errors.As(err, &problems) || len(problems) != 3 || problems[0].Line != 1 || problems[2].Line != 4 {
		t.Errorf("not everything is listed: %v", err)
	}
}

func TestParse(t *testing.T) {
	plain := func(s ...string) (names []Name) {
		for _, n := range s {
			names = append(names, Name{Text: n})
		}
		return names
	}
	f, err := Parse("dir/f", []byte(`
# a comment
local	all  all	trust # behind
hostssl db1,"all",d" b"2 , x @users 10.1.2.3/8 scram-sha-256 clientcert=verify-full
hostnossl sameuser "a""b" 192.0.2.1 255.255.255.0 md5
host all all .example.com reject
host all all Db1.Example.com password
host all all samenet trust
`), func(path string) ([]byte, error) {
		return map[string][]byte{"dir/users": []byte("u1 u2,u3 # c\n@more\n"), "dir/more": []byte("\"@u4\"\n")}[path], nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []Rule{
		{Line: 3, Type: Local, Databases: plain("all"), Users: plain("all"), Method: Trust},
		{Line: 4, Type: HostSSL, Databases: []Name{{"db1", false}, {"all", true}, {"d b2", true}, {"x", false}},
			Users:   []Name{{"u1", false}, {"u2", false}, {"u3", false}, {"@u4", true}},
			Address: Address{Kind: Network, IP: netip.MustParseAddr("10.0.0.0"), Mask: netip.MustParseAddr("255.0.0.0")},
			Method:  SCRAM, Options: []Option{{"clientcert", "verify-full"}}},
		{Line: 5, Type: HostNoSSL, Databases: plain("sameuser"), Users: []Name{{`a"b`, true}},
			Address: Address{Kind: Network, IP: netip.MustParseAddr("192.0.2.0"), Mask: netip.MustParseAddr("255.255.255.0")},
			Method:  MD5},
		{Line: 6, Type: Host, Databases: plain("all"), Users: plain("all"), Address: Address{Kind: Suffix, Name: ".example.com"}, Method: Reject},
		{Line: 7, Type: Host, Databases: plain("all"), Users: plain("all"), Address: Address{Kind: HostName, Name: "Db1.Example.com"}, Method: Password},
		{Line: 8, Type: Host, Databases: plain("all"), Users: plain("all"), Address: Address{Kind: SameNet}, Method: Trust},
	}
	if !reflect.DeepEqual(f.Rules, want) {
		t.Errorf("got\n%+v\nwanted\n%+v", f.Rules, want)
	}
}

func TestWarnings(t *testing.T) {
	f, err := Parse("f", []byte("local samerole +staff trust\nlocal \"samerole\" /^x trust\n"), noFile)
	if err != nil || len(f.Warnings()) != 3 {
		t.Errorf("warnings %v, %v", f.Warnings(), err)
	}
	if f, err = Parse("f", nil, noFile); err != nil || len(f.Warnings()) != 1 {
		t.Errorf("empty file: %v, %v", f.Warnings(), err)
	}
}

func TestCircleOfLists(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("a", "x @b")
	write("b", "@a")
	_, err := Load(write("pool_hba.conf", "local all @a trust"))
	if err == nil || !strings.Contains(err.Error(), "more than 10 lists inside each other") {
		t.Errorf("error %v", err)
	}
}

// world is a name service and a set of interfaces.
type world struct {
	names map[string][]string // by address
	addrs map[string][]string // by name
	asked int
}

func (w *world) LookupAddr(_ context.Context, addr string) ([]string, error) {
	w.asked++
	return w.names[addr], nil
}

func (w *world) LookupNetIP(_ context.Context, _, host string) (ips []netip.Addr, err error) {
	for _, a := range w.addrs[host] {
		ips = append(ips, netip.MustParseAddr(a))
	}
	return ips, nil
}

func TestMatch(t *testing.T) {
	w := &world{
		names: map[string][]string{
			"192.0.2.1": {"web.example.com."}, "192.0.2.2": {"liar.example.com."}, "192.0.2.3": {"other.example.org."}},
		addrs: map[string][]string{
			"web.example.com": {"198.51.100.1", "192.0.2.1"}, "liar.example.com": {"192.0.2.99"}, "other.example.org": {"192.0.2.3"}},
	}
	m := Matcher{Resolver: w, Interfaces: func() ([]net.Addr, error) {
		return []net.Addr{&net.IPNet{IP: net.IPv4(10, 0, 0, 7), Mask: net.CIDRMask(24, 32)},
			&net.IPNet{IP: net.ParseIP("fd00::7"), Mask: net.CIDRMask(64, 128)}}, nil
	}}
	tcp := func(addr string) Conn { return Conn{Addr: netip.MustParseAddr(addr), User: "u", Database: "d"} }
	tls := tcp("127.0.0.1")
	tls.TLS = true
	same := tcp("127.0.0.1")
	same.Database = "u"
	all := tcp("127.0.0.1")
	all.User, all.Database = "all", "sameuser"
	for _, c := range []struct {
		line string
		conn Conn
		want bool
	}{
		{"local all all trust", Conn{Local: true, User: "u", Database: "d"}, true},
		{"local all all trust", tcp("127.0.0.1"), false},
		{"host all all all trust", Conn{Local: true}, false},
		{"host all all all trust", tls, true},
		{"hostssl all all all trust", tls, true},
		{"hostssl all all all trust", tcp("127.0.0.1"), false},
		{"hostssl all all all trust", Conn{Local: true, TLS: true}, false},
		{"hostnossl all all all trust", tls, false},
		{"hostnossl all all all trust", tcp("127.0.0.1"), true},
		{"hostnossl all all all trust", Conn{Local: true}, false},
		{"host x,d y,u all trust", tcp("127.0.0.1"), true},
		{"host x u all trust", tcp("127.0.0.1"), false},
		{"host d x all trust", tcp("127.0.0.1"), false},
		{"host D u all trust", tcp("127.0.0.1"), false},
		{"host sameuser all all trust", tcp("127.0.0.1"), false},
		{"host sameuser all all trust", same, true},
		{`host "sameuser" "all" all trust`, all, true},
		{`host "sameuser" all all trust`, same, false},
		{`host all "all" all trust`, tcp("127.0.0.1"), false},
		{"host all all 127.0.0.0/8 trust", tcp("127.1.2.3"), true},
		{"host all all 127.0.0.0/8 trust", tcp("::ffff:127.1.2.3"), true},
		{"host all all ::ffff:127.0.0.0/104 trust", tcp("127.1.2.3"), true},
		{"host all all 127.0.0.0/8 trust", tcp("128.0.0.1"), false},
		{"host all all 127.0.0.0/8 trust", tcp("::1"), false},
		{"host all all 0.0.0.0/0 trust", tcp("::1"), false},
		{"host all all ::/0 trust", tcp("127.0.0.1"), false},
		{"host all all fd00::/9 trust", tcp("fd70::1"), true},
		{"host all all fe80::/10 trust", tcp("fe80::1%eth0"), true},
		{"host all all 10.0.5.0 255.0.255.0 trust", tcp("10.99.5.77"), true},
		{"host all all 10.0.5.0 255.0.255.0 trust", tcp("10.99.6.77"), false},
		{"host all all samehost trust", tcp("10.0.0.7"), true},
		{"host all all samehost trust", tcp("10.0.0.8"), false},
		{"host all all samenet trust", tcp("10.0.0.8"), true},
		{"host all all samenet trust", tcp("10.0.1.8"), false},
		{"host all all samenet trust", tcp("fd00::99"), true},
		{"host all all web.EXAMPLE.com trust", tcp("192.0.2.1"), true},
		{"host all all .example.com trust", tcp("192.0.2.1"), true},
		{"host all all .example.com trust", tcp("192.0.2.2"), false},
		{"host all all .example.com trust", tcp("192.0.2.3"), false},
		{"host all all liar.example.com trust", tcp("192.0.2.2"), false},
		{"host all all web.example.com trust", tcp("192.0.2.9"), false},
	} {
		f, err := Parse("f", []byte(c.line), noFile)
		if err != nil {
			t.Errorf("%s: %v", c.line, err)
			continue
		}
		if _, ok := m.Match(context.Background(), f, c.conn); ok != c.want {
			t.Errorf("%s for %+v: %v", c.line, c.conn, ok)
		}
	}
}

func TestFirstMatchDecidesAndNamesAreAskedOnce(t *testing.T) {
	w := &world{}
	f, err := Parse("f", []byte("host all all a.example.com trust\nhost all all .example.org trust\n"+
		"host d u all reject\nhost all all all trust\n"), noFile)
	if err != nil {
		t.Fatal(err)
	}
	r, ok := Matcher{Resolver: w}.Match(context.Background(), f, Conn{Addr: netip.MustParseAddr("192.0.2.1"), User: "u", Database: "d"})
	if !ok || r.Line != 3 || r.Method != Reject || w.asked != 1 {
		t.Errorf("%+v, %v, asked %d times", r, ok, w.asked)
	}
}

func TestLabFile(t *testing.T) {
	f, err := Parse("f", []byte(`local all all                    trust
host  all all      127.0.0.1/32  trust
host  all all      ::1/128       trust
host  all pgpool   0.0.0.0/0     scram-sha-256
host  all postgres 0.0.0.0/0     scram-sha-256
`), noFile)
	if err != nil || len(f.Warnings()) != 0 {
		t.Fatal(f, err)
	}
	for conn, want := range map[Conn]string{
		{Local: true, User: "x"}:                                        "trust",
		{Addr: netip.MustParseAddr("::1"), User: "x"}:                   "trust",
		{Addr: netip.MustParseAddr("198.51.100.50"), User: "postgres"}:  "scram-sha-256",
		{Addr: netip.MustParseAddr("198.51.100.50"), User: "test_user"}: "none",
	} {
		got := "none"
		if r, ok := f.Match(context.Background(), conn); ok {
			got = r.Method.String()
		}
		if got != want {
			t.Errorf("%+v: %s, wanted %s", conn, got, want)
		}
	}
}

// FuzzParse: no panic, problems have lines of the file, and rules can be matched.
func FuzzParse(f *testing.F) {
	f.Add("local all all trust\nhost a,\"b\" @x 10.0.0.1 255.0.0.0 md5 # c")
	f.Add("hostssl sameuser all ::1/128 cert clientcert=verify-ca\nhost all all .x.y reject")
	f.Add("host all all samenet pam\n,,\"\"\"")
	open := func(path string) ([]byte, error) { return []byte("a, b @x"), nil }
	m := Matcher{Resolver: &world{}, Interfaces: func() ([]net.Addr, error) { return nil, nil }}
	f.Fuzz(func(t *testing.T, text string) {
		file, err := Parse("f", []byte(text), open)
		if err == nil {
			for _, r := range file.Rules {
				if len(r.Databases) == 0 || len(r.Users) == 0 || r.Line < 1 || (r.Type == Local) != (r.Address.Kind == None) {
					t.Fatalf("rule %+v", r)
				}
			}
			m.Match(context.Background(), file, Conn{Addr: netip.MustParseAddr("10.0.0.1"), User: "a", Database: "b"})
			return
		}
		for _, p := range err.(Problems) {
			if p.Line < 1 || p.Line > 1+strings.Count(text, "\n") {
				t.Fatalf("problem %v outside of the file", p)
			}
		}
	})
}
