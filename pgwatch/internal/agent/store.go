package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// memory is what an agent must not forget of a backend of its host, and keeps in a file.
type memory struct {
	Promised  uint64          `json:"promised"`
	Recruited uint64          `json:"recruited,omitempty"`
	Promoted  uint64          `json:"promoted,omitempty"`
	Follows   uint64          `json:"follows,omitempty"`
	Fenced    uint64          `json:"fenced,omitempty"`
	Upstream  json.RawMessage `json:"upstream,omitempty"` // what pgpromote recruit said, for pgpromote release; it may hold a password
}

// store keeps the memory of one backend.
type store struct{ path string }

func newStore(dir string, backend int) store {
	return store{filepath.Join(dir, fmt.Sprintf("backend-%d.json", backend))}
}

func (s store) read() (m memory, err error) {
	text, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		err = fmt.Errorf("%s, what this node promised about a backend: %w (if it is damaged, remove it while nothing fails over)", s.path, err)
	}
	return m, err
}

// write returns when the memory is on the disk: a promise that a power cut undoes is none.
func (s store) write(m memory) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(s.path))
	if err != nil {
		return err
	}
	defer dir.Close()
	f, err := os.OpenFile(s.path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), s.path)
	}
	if err == nil {
		err = dir.Sync()
	}
	return err
}
