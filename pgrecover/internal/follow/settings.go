package follow

import (
	"context"

	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgrecover/internal/standby"
)

// pair is what the settings are chosen for.
func (f *Follow) pair() standby.Pair { return standby.Pair{Node: f.Node, To: f.To, Cluster: f.Cluster} }

// want says what the settings are to be, from what they are and what they were before the standby was cut off.
func (f *Follow) want(ctx context.Context, now standby.Settings, m *server) (want standby.Settings, err error) {
	err = f.Journal.Do(step.Step{Step: "plan", Node: &f.Node.ID}, func(st *step.Step) error {
		if now.PrimaryConnInfo == "" && f.Before != nil {
			old, err := f.Before(ctx)
			if err != nil {
				return err
			}
			now.PrimaryConnInfo = old.PrimaryConnInfo
			if now.RestoreCommand == "" {
				now.RestoreCommand = old.RestoreCommand
			}
		}
		choice, err := f.pair().Want(now, m.Settings.SlotName != "")
		if err != nil {
			return err
		}
		want, st.Detail = choice.Settings, choice
		return nil
	})
	return want, err
}
