package conversation

import (
	"maps"
	"strings"

	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

// A modelServer is a PostgreSQL server reduced to what a session can notice of it: settings that follow transactions
// and savepoints, prepared statements, portals, and the order and kind of answers.
type modelServer struct {
	settings map[string]string
	status   byte
	before   map[string]string // at the start of the transaction, explicit or implicit
	saves    []modelSave
	stmts    map[string]string
	portals  map[string]string
	skip     bool
	out      []byte
}

type modelSave struct {
	name     string
	settings map[string]string
}

func newModel() *modelServer {
	return &modelServer{settings: map[string]string{}, status: 'I', stmts: map[string]string{}, portals: map[string]string{}}
}

func (m *modelServer) say(typ byte, body string) { m.out = append(m.out, message(typ, body)...) }
func (m *modelServer) fail(code string)          { m.out = append(m.out, fault(code)...) }

// take handles whole messages.
func (m *modelServer) take(b []byte) {
	for len(b) > 0 {
		typ, size, _ := wire.Header(b)
		m.message(typ, b[wire.HeaderSize:size])
		b = b[size:]
	}
}

func (m *modelServer) message(typ byte, body []byte) {
	if m.skip && typ != 'S' {
		return
	}
	a, rest, _ := wire.CString(body)
	b, _, _ := wire.CString(rest)
	switch typ {
	case 'Q':
		delete(m.stmts, "")
		delete(m.portals, "")
		m.start()
		for _, sql := range strings.Split(string(a), ";") {
			if sql = strings.TrimSpace(sql); sql != "" && !m.run(sql) {
				m.undo()
				break
			}
		}
		m.ready()
	case 'S':
		m.skip = false
		m.ready()
	case 'P':
		m.start()
		if string(b) == "BAD" {
			m.broken("42601")
			return
		}
		if m.status == 'E' && !ends(string(b)) {
			m.broken("25P02")
			return
		}
		if _, ok := m.stmts[string(a)]; ok && len(a) > 0 {
			m.broken("42P05")
			return
		}
		m.stmts[string(a)] = string(b)
		m.say('1', "")
	case 'B':
		m.start()
		sql, ok := m.stmts[string(b)]
		switch {
		case !ok:
			m.broken("26000")
		case m.status == 'E' && !ends(sql):
			m.broken("25P02")
		default:
			m.portals[string(a)] = sql
			m.say('2', "")
		}
	case 'D':
		m.start()
		if name := string(a[1:]); a[0] == 'S' {
			// A server describes, even in a failed transaction, what returns no rows; ours may not have it at hand.
			if _, ok := m.stmts[name]; !ok || m.status == 'E' {
				m.broken("26000")
				return
			}
			m.say('t', "\x00\x00")
		} else if _, ok := m.portals[name]; !ok || m.status == 'E' {
			m.broken("34000")
			return
		}
		m.say('n', "")
	case 'C':
		if a[0] == 'S' {
			delete(m.stmts, string(a[1:]))
		}
		m.say('3', "")
	case 'E':
		m.start()
		sql, ok := m.portals[string(a)]
		if !ok {
			m.broken("34000")
			return
		}
		if !m.run(sql) {
			m.undo()
			m.skip = true
		}
	}
}

func ends(sql string) bool {
	return strings.HasPrefix(sql, "COMMIT") || strings.HasPrefix(sql, "ROLLBACK")
}

// broken is an error of the extended protocol.
func (m *modelServer) broken(code string) {
	m.fail(code)
	m.undo()
	m.skip = true
}

// start opens an implicit transaction.
func (m *modelServer) start() {
	if m.before == nil {
		m.before = maps.Clone(m.settings)
	}
}

func (m *modelServer) undo() {
	if m.status == 'I' {
		if m.before != nil {
			m.settings = maps.Clone(m.before)
		}
	} else {
		m.status = 'E'
	}
}

func (m *modelServer) ready() {
	if m.status == 'I' {
		m.before = nil
		clear(m.portals)
	}
	m.say('Z', string(rune(m.status)))
}

// finish ends an explicit transaction.
func (m *modelServer) finish(rollback bool) {
	if rollback && m.before != nil {
		m.settings = maps.Clone(m.before)
	}
	m.status, m.saves, m.before = 'I', nil, maps.Clone(m.settings)
	clear(m.portals)
}

// run executes a statement and reports success.
func (m *modelServer) run(sql string) bool {
	word, arg, _ := strings.Cut(sql, " ")
	if m.status == 'E' && !ends(sql) {
		m.fail("25P02")
		return false
	}
	tag := word
	switch word {
	case "SELECT":
		m.say('D', m.settings[arg])
	case "SET":
		name, value, _ := strings.Cut(arg, " = ")
		m.settings[name] = value
	case "INSERT":
	case "BEGIN":
		if m.status == 'I' {
			m.status = 'T'
		}
	case "COMMIT":
		if m.status == 'E' {
			tag = "ROLLBACK"
		}
		m.finish(m.status == 'E')
	case "ROLLBACK":
		if name, ok := strings.CutPrefix(arg, "TO "); ok {
			return m.back(name)
		}
		m.finish(true)
	case "SAVEPOINT":
		if m.status == 'I' {
			m.fail("25P01")
			return false
		}
		m.saves = append(m.saves, modelSave{arg, maps.Clone(m.settings)})
	case "PREPARE":
		name, text, _ := strings.Cut(arg, " AS ")
		if _, ok := m.stmts[name]; ok {
			m.fail("42P05")
			return false
		}
		m.stmts[name] = text
	case "DEALLOCATE":
		if _, ok := m.stmts[arg]; !ok {
			m.fail("26000")
			return false
		}
		delete(m.stmts, arg)
	case "DISCARD":
		if m.status != 'I' {
			m.fail("25001")
			return false
		}
		clear(m.settings)
		clear(m.stmts)
		m.before = map[string]string{}
	default:
		m.fail("42601")
		return false
	}
	m.say('C', tag)
	return true
}

func (m *modelServer) back(name string) bool {
	if m.status == 'I' {
		m.fail("25P01")
		return false
	}
	for i := len(m.saves) - 1; i >= 0; i-- {
		if m.saves[i].name == name {
			m.settings = maps.Clone(m.saves[i].settings)
			m.saves = m.saves[:i+1]
			m.status = 'T'
			m.say('C', "ROLLBACK")
			return true
		}
	}
	m.fail("3B001")
	return false
}
