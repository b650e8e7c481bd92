package passwd

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const verifier = "SCRAM-SHA-256$4096:c2FsdHNhbHRzYWx0c2FsdA==$" +
	"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=:HwABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4="

func TestEveryProblemIsListedWithItsLine(t *testing.T) {
	_, err := Parse("pool_passwd", []byte(strings.Join([]string{
		"alice:secret",
		"no colon here",
		":nobody",
		"bob:",
		"carol:TEXT",
		"dave:AESthetic",
		"erin:AESAAAA",
		"frank:SCRAM-SHA-256$4096:c2FsdA==$short",
		"gina:SCRAM-SHA-256$0:c2FsdA==$a:b",
		"henry:SCRAM-SHA-256$4096:c2FsdA==$AAAA:AAAA",
		"ian:a\x00b",
	}, "\n")), nil)
	want := `pool_passwd:2: no colon between user and password
pool_passwd:3: no user before the colon
pool_passwd:4: user "bob": the password is empty
pool_passwd:5: user "carol": the password is empty
pool_passwd:6: user "dave": AES is not followed by an encrypted password in base64: if the password itself begins with AES, write TEXT before it
pool_passwd:7: user "erin": AES is not followed by an encrypted password in base64: if the password itself begins with AES, write TEXT before it
pool_passwd:8: user "frank": a SCRAM verifier has the form SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey
pool_passwd:9: user "gina": the iterations of the SCRAM verifier are no number from 1 to 2147483647
pool_passwd:10: user "henry": the StoredKey of the SCRAM verifier is not valid base64 of the right length
pool_passwd:11: a zero byte in the line`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwanted\n%s", err, want)
	}
}

func TestForms(t *testing.T) {
	key := NewKey("key", []byte("postgres"))
	for line, want := range map[string]string{
		`u:secret`:                              "clear secret",
		`u:TEXTsecret`:                          "clear secret",
		`u:TEXTAESx`:                            "clear AESx",
		`u:a\:b\\c`:                             `clear a:b\c`,
		`u:secret:other:ignor`:                  "clear secret",
		`u:md5d145a5534fd1a11e152149ae1c4434d2`: "md5 md5d145a5534fd1a11e152149ae1c4434d2",
		`u:md5tooshort`:                         "clear md5tooshort",
		`u:AESbPro4vs9cT622am0+RjU3Q==`:         "clear postgres",
		`u:AESmc87viJeOlmoN/1OUCl1Bg==`:         "clear secretpw",
		`u:` + verifier:                         "scram " + verifier,
		`u:` + strings.ReplaceAll(verifier, ":", `\:`): "scram " + verifier,
		"u:secret\r":                       "clear secret",
		`u:` + strings.Repeat("long", 100): "clear " + strings.Repeat("long", 100),
	} {
		f, err := Parse("pool_passwd", []byte("\n"+line+"\n"), key)
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		s, _ := f.Lookup("u")
		if got := form(s); got != want {
			t.Errorf("%s: %s, wanted %s", line, got, want)
		}
	}
}

func form(s Secret) string {
	if clear, ok := s.Clear(); ok {
		return "clear " + clear
	}
	if hash, ok := s.MD5(); ok {
		return "md5 " + hash
	}
	if v, ok := s.SCRAM(); ok {
		return "scram " + v.String()
	}
	return "none"
}

func TestUsersAndWarnings(t *testing.T) {
	f, err := Parse("p", []byte("# a remark\n#odd:user\na\\:b:one\na\\:b:two\nlocked:AESbPro4vs9cT622am0+RjU3Q==\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for user, want := range map[string]string{"#odd": "clear user", "a:b": "clear one", "locked": "none"} {
		if s, ok := f.Lookup(user); !ok || form(s) != want {
			t.Errorf("user %q: %v %s, wanted %s", user, ok, form(s), want)
		}
	}
	if _, ok := f.Lookup("nobody"); ok || f.Len() != 3 {
		t.Errorf("nobody is known, or %d users", f.Len())
	}
	warned(t, f.Warnings(), "p:1: the file knows no comments", "p:4: user \"a:b\" has a line above", "p:5: the password is encrypted and there is no key file")

	f, err = Parse("p", []byte("u:AESbPro4vs9cT622am0+RjU3Q=="), NewKey("/k", []byte("another")))
	if err != nil {
		t.Fatal(err)
	}
	warned(t, f.Warnings(), "p:1: the password does not decrypt with the key in /k")
	var none *File
	if _, ok := none.Lookup("u"); ok || none.Len() != 0 || none.Warnings() != nil {
		t.Error("a nil File knows somebody")
	}
}

func warned(t *testing.T, got []Problem, want ...string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || !strings.HasPrefix(got[i].String(), want[i]) {
			t.Errorf("warnings %v, wanted %q", got, want)
			return
		}
	}
}

func TestKeyPairs(t *testing.T) {
	for _, c := range [][3]string{
		{"postgres", "postgres", "AESbPro4vs9cT622am0+RjU3Q=="},
		{"postgres", "secretpw", "AESmc87viJeOlmoN/1OUCl1Bg=="},
		{"postgres", "x", "AESoc1xZFLf5nFEXpd+Kc66vA=="},
		{"x", "postgres", "AEScofB+OOdawgF1GsWfk4ZkQ=="}, // by openssl enc -md sha1 -nosalt
	} {
		if got := NewKey("", []byte(c[0])).Encrypt(c[1]); got != c[2] {
			t.Errorf("%s with key %s: %s, wanted %s", c[1], c[0], got, c[2])
		}
	}
	if got := HashMD5("alice", "alicepw"); got != "md5d145a5534fd1a11e152149ae1c4434d2" {
		t.Errorf("md5 of alice: %s", got)
	}
}

func TestKeyFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, ".pgpoolkey")
	write := func(text string, mode os.FileMode) {
		t.Helper()
		os.Remove(path)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("\npostgres\n", 0o600)
	if _, _, err := ReadKey(path); err == nil {
		t.Error("an empty first line makes a key")
	}
	write("postgres\nmore\n", 0o600)
	key, warnings, err := ReadKey(path)
	if err != nil || len(warnings) != 0 || key.Encrypt("postgres") != "AESbPro4vs9cT622am0+RjU3Q==" {
		t.Errorf("key %v, %v, %v", key, warnings, err)
	}
	write("postgres", 0o640)
	if _, warnings, err = ReadKey(path); err != nil || len(warnings) != 1 {
		t.Errorf("mode 0640: %v, %v", warnings, err)
	}
	t.Setenv("HOME", dir)
	t.Setenv("PGPOOLKEYFILE", "")
	if key, _, err := FindKey(""); err != nil || key == nil {
		t.Errorf("key in the home directory: %v", err)
	}
	t.Setenv("HOME", filepath.Join(dir, "nowhere"))
	if key, _, err := FindKey(""); err != nil || key != nil {
		t.Errorf("no key file: %v, %v", key, err)
	}
	t.Setenv("PGPOOLKEYFILE", filepath.Join(dir, "named"))
	if _, _, err := FindKey(""); err == nil {
		t.Error("a named key file that does not exist is no error")
	}
	t.Setenv("PGPOOLKEYFILE", path)
	if key, _, err := FindKey(""); err != nil || key == nil {
		t.Errorf("key named by the variable: %v", err)
	}
}

func TestModes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pool_passwd")
	for mode, want := range map[os.FileMode]int{0o600: 0, 0o640: 0, 0o644: 1, 0o604: 1} {
		if err := os.WriteFile(path, []byte("u:p"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		f, err := Load(path, nil)
		if err != nil || len(f.Warnings()) != want {
			t.Errorf("mode %o: %v, %v", mode, f.Warnings(), err)
		}
	}
	if _, err := Load(path+".not", nil); !os.IsNotExist(unwrap(err)) {
		t.Errorf("missing file: %v", err)
	}
}

func unwrap(err error) error {
	if u, ok := err.(interface{ Unwrap() error }); ok {
		return u.Unwrap()
	}
	return err
}

func TestSecretsAreNotPrinted(t *testing.T) {
	s := ClearSecret("hunter2")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if text := fmt.Sprintf(verb, s); strings.Contains(text, "hunter2") {
			t.Errorf("%s prints %s", verb, text)
		}
	}
}

// FuzzParse: no panic, no password in a message, and every problem has a line of the file.
func FuzzParse(f *testing.F) {
	f.Add("a:b\nc:TEXTd\n# x\nu:AESbPro4vs9cT622am0+RjU3Q==\nu:" + verifier)
	f.Add(`a\:b:c\\d:e:f`)
	f.Add("x:SCRAM-SHA-256$1:a$b:c\n:\n\\")
	key := NewKey("key", []byte("postgres"))
	f.Fuzz(func(t *testing.T, text string) {
		file, err := Parse("f", []byte(text), key)
		if err == nil {
			for user, s := range file.users {
				if clear, _ := s.Clear(); user == "" || strings.Contains(clear, "\n") {
					t.Fatalf("user %q has %s", user, form(s))
				}
				if v, ok := s.SCRAM(); ok {
					if again, err := ParseVerifier(v.String()); err != nil || again.String() != v.String() {
						t.Fatalf("verifier %s is read again as %v, %v", v, again, err)
					}
				}
			}
			return
		}
		problems, ok := err.(Problems)
		if !ok || len(problems) == 0 {
			t.Fatalf("error %#v", err)
		}
		for _, p := range problems {
			if p.Line < 1 || p.Line > 1+strings.Count(text, "\n") {
				t.Fatalf("problem %v outside of the file", p)
			}
		}
	})
}
