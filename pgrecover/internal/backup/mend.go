package backup

import (
	"context"

	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgrecover/internal/host"
)

// Mend puts in order what a run left that was interrupted: either the old data is in its place again and nothing else is
// left, or the new copy is there, complete, and the State that is returned is to be given to Finish when the server streams,
// or to Undo. data is the real path of the data directory, which nobody else works on.
func Mend(ctx context.Context, h host.Host, node int, data string, j *step.Journal) (s *State, err error) {
	if s, err = load(ctx, h, data); err != nil || s == nil {
		return nil, err
	}
	err = j.Do(step.Step{Step: "mend", Node: &node}, func(st *step.Step) error {
		st.Detail = map[string]any{"phase": s.Phase, "data": data}
		s, err = s.mend(ctx, h)
		return err
	})
	return s, err
}

func (s *State) mend(ctx context.Context, h host.Host) (*State, error) {
	switch s.Phase {
	case copying:
		return nil, s.leave(ctx, h, newOf)
	case discarded:
		return nil, s.leave(ctx, h, oldOf)
	case unproved:
		return s, nil
	}
	done, err := s.isNew(ctx, h, s.Moves[0])
	switch {
	case err != nil:
		return nil, err
	case done:
		return s, s.enter(ctx, h, unproved)
	}
	return nil, s.undo(ctx, h)
}

// undo puts the old data back and removes the new.
func (s *State) undo(ctx context.Context, h host.Host) error {
	if err := s.back(ctx, h); err != nil {
		return err
	}
	if err := s.enter(ctx, h, copying); err != nil {
		return err
	}
	return s.leave(ctx, h, newOf)
}

// Undo puts the old data back in its place and removes the copy that did not come to stream. The server must not run.
func (s *State) Undo(ctx context.Context, h host.Host, node int, j *step.Journal) error {
	return j.Do(step.Step{Step: "undo", Node: &node}, func(st *step.Step) error {
		st.Detail = map[string]any{"data": s.Moves[0].Live}
		return s.undo(ctx, h)
	})
}

// Finish removes the old data, or keeps it: the new copy streams.
func (s *State) Finish(ctx context.Context, h host.Host, node int, keep bool, j *step.Journal) error {
	return j.Do(step.Step{Step: "clean", Node: &node}, func(st *step.Step) error {
		if keep {
			st.Detail = map[string]any{"kept": s.olds(ctx, h)}
			return host.Remove(ctx, h, s.Moves[0].Live+stateSuffix)
		}
		if err := s.enter(ctx, h, discarded); err != nil {
			return err
		}
		return s.leave(ctx, h, oldOf)
	})
}

// olds are the directories with old data.
func (s *State) olds(ctx context.Context, h host.Host) (dirs []string) {
	for _, m := range s.Moves {
		if there, err := host.Exists(ctx, h, m.Old); err == nil && there {
			dirs = append(dirs, m.Old)
		}
	}
	return dirs
}
