package node

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pgcrew/pgcrew/common/pgtest"
)

// Servers that answer are asked, those that do not are passed over, and a witness asks nobody.
func TestServerTraps(t *testing.T) {
	p := pgtest.Primary(t, pgtest.Conf("full_page_writes = off"))
	text := fmt.Sprintf(`
backend_hostname0 = '%s'
backend_port0 = %d
backend_hostname1 = '%[1]s'
backend_port1 = 1
sr_check_user = 'postgres'
sr_check_password = '%[3]s'
recovery_user = 'somebody'
`, p.Host(), p.Port(), pgtest.Password)
	for _, witness := range []bool{false, true} {
		s, err := NewSettings(t.Context(), load(t, text), nil, nil, -1, witness)
		if err != nil {
			t.Fatal(err)
		}
		s.Self.Witness = witness
		got := strings.Join(s.ServerTraps(t.Context()), "\n")
		for _, want := range []string{"full_page_writes is off", "recovery_user 'somebody' is no superuser"} {
			if strings.Contains(got, want) == witness {
				t.Errorf("witness %v: %s", witness, got)
			}
		}
		if strings.Contains(got, "backend 1") {
			t.Errorf("of a server that does not answer: %s", got)
		}
	}
}
