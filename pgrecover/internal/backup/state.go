package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/pgcrew/pgcrew/pgrecover/internal/host"
)

// A State is noted in a file beside the data directory while that is being replaced, so that the next run knows what is
// where, and so does a person who looks.
type State struct {
	Note  string `json:"note"`
	Phase phase  `json:"phase"`
	Moves []move `json:"moves"` // that of the data directory first
	Spare []dir  `json:"spare,omitempty"`
}

type dir = string // on the host of the node

// A phase says which of the directories are what.
type phase string

const (
	copying   phase = "copying"   // the old data is in its place, the new is not complete
	swapping  phase = "swapping"  // some directories are renamed; the data directory is the last to get its name
	unproved  phase = "unproved"  // the new data is in its place and has not streamed yet, the old is beside it
	discarded phase = "discarded" // the new data streams, the old one goes
)

var notes = map[phase]string{
	copying:   "pgrecover makes a new copy in \"new\"; the data in \"live\" is untouched. Run pgrecover again, or remove \"new\".",
	swapping:  "pgrecover was renaming \"live\" to \"old\" and \"new\" to \"live\". Run pgrecover again, or rename what is in \"old\" to \"live\".",
	unproved:  "\"live\" is the new copy, which has not streamed yet; \"old\" has the data from before. Run pgrecover again, or rename them back.",
	discarded: "\"live\" is the new copy and streams; what is in \"old\" is of no use any more and is being removed.",
}

// A move puts a new directory in the place of an old one.
type move struct {
	Live dir `json:"live"`
	New  dir `json:"new,omitempty"` // "": nothing replaces it
	Old  dir `json:"old"`
}

// Beside the data directory.
const (
	newSuffix   = ".pgrecover-new"
	oldSuffix   = ".pgrecover-old"
	stateSuffix = ".pgrecover"
)

// load reads the state that an earlier run left; nil when there is none.
func load(ctx context.Context, h host.Host, data dir) (*State, error) {
	text, err := host.ReadFile(ctx, h, data+stateSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s := new(State)
	if err := json.Unmarshal(text, s); err != nil || len(s.Moves) == 0 || notes[s.Phase] == "" {
		return nil, fmt.Errorf("%s on %s is not what pgrecover has written there: look which of %s, %s and %s is whole, put it in its place, and remove that file",
			data+stateSuffix, h.Name(), data, data+newSuffix, data+oldSuffix)
	}
	return s, nil
}

// enter notes a phase.
func (s *State) enter(ctx context.Context, h host.Host, p phase) error {
	s.Phase, s.Note = p, notes[p]
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return host.WriteFile(ctx, h, s.Moves[0].Live+stateSuffix, append(text, '\n'), 0o600)
}

// leave removes directories and then the note.
func (s *State) leave(ctx context.Context, h host.Host, which func(move) dir) error {
	for _, m := range s.Moves {
		if d := which(m); d != "" {
			if err := host.Remove(ctx, h, d); err != nil {
				return err
			}
		}
	}
	for _, d := range s.Spare {
		if err := host.Remove(ctx, h, d); err != nil {
			return err
		}
	}
	return host.Remove(ctx, h, s.Moves[0].Live+stateSuffix)
}

func newOf(m move) dir { return m.New }
func oldOf(m move) dir { return m.Old }

// swap gives all new directories their names. The data directory goes first and comes last: without one nobody starts the
// server, and from the moment it is there all is done.
func (s *State) swap(ctx context.Context, h host.Host) error {
	if err := s.enter(ctx, h, swapping); err != nil {
		return err
	}
	for _, m := range s.Moves {
		if err := renameIf(ctx, h, m.Live, m.Old); err != nil {
			return err
		}
	}
	for _, m := range slices.Backward(s.Moves) {
		if m.New == "" {
			continue
		}
		if err := host.Rename(ctx, h, m.New, m.Live); err != nil {
			return err
		}
	}
	return s.enter(ctx, h, unproved)
}

// back undoes a swap, however far it got.
func (s *State) back(ctx context.Context, h host.Host) error {
	if err := s.enter(ctx, h, swapping); err != nil {
		return err
	}
	for _, m := range s.Moves {
		isNew, err := s.isNew(ctx, h, m)
		if err != nil {
			return err
		}
		if isNew {
			if err := host.Rename(ctx, h, m.Live, m.New); err != nil {
				return err
			}
		}
	}
	for _, m := range slices.Backward(s.Moves) {
		if err := renameIf(ctx, h, m.Old, m.Live); err != nil {
			return err
		}
	}
	return nil
}

// isNew tells whether Live is the new directory: then New has gone, and nothing but that makes it go.
func (s *State) isNew(ctx context.Context, h host.Host, m move) (bool, error) {
	if m.New == "" {
		return false, nil
	}
	there, err := host.Exists(ctx, h, m.New)
	return err == nil && !there, err
}

// renameIf renames what is there, and nothing else.
func renameIf(ctx context.Context, h host.Host, from, to dir) error {
	there, err := host.Exists(ctx, h, from)
	if err != nil || !there {
		return err
	}
	return host.Rename(ctx, h, from, to)
}
