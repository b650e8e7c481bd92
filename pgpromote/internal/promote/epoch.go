package promote

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/pgcrew/pgcrew/common/backend"
)

// The epoch is recorded in the database postgres, as its first change under a new primary: it reaches every standby
// with the WAL, so that each server can tell which generation it belongs to.
const makeEpoch = `
CREATE SCHEMA IF NOT EXISTS pgcrew;
CREATE TABLE IF NOT EXISTS pgcrew.epoch (epoch int8 PRIMARY KEY, node int NOT NULL, timeline int8 NOT NULL, decided_at timestamptz NOT NULL DEFAULT now());
GRANT USAGE ON SCHEMA pgcrew TO PUBLIC;
GRANT SELECT ON pgcrew.epoch TO PUBLIC`

// undefinedTable and invalidSchema are the SQLSTATEs of a database without a record.
const (
	undefinedTable = "42P01"
	invalidSchema  = "3F000"
)

// readEpoch returns the newest epoch that a server has recorded, or 0.
func readEpoch(ctx context.Context, conn *pgx.Conn) (uint64, error) {
	var epoch int64
	err := conn.QueryRow(ctx, "SELECT coalesce(max(epoch), 0) FROM pgcrew.epoch").Scan(&epoch)
	if c := backend.Code(err); c == undefinedTable || c == invalidSchema {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read pgcrew.epoch: %w", err)
	}
	return uint64(epoch), nil
}

// recordEpoch writes that a node is the primary of an epoch.
func recordEpoch(ctx context.Context, conn *pgx.Conn, epoch uint64, node int, timeline uint32) error {
	if _, err := conn.Exec(ctx, makeEpoch, pgx.QueryExecModeSimpleProtocol); err != nil {
		return fmt.Errorf("make pgcrew.epoch: %w", err)
	}
	_, err := conn.Exec(ctx, "INSERT INTO pgcrew.epoch (epoch, node, timeline) VALUES ($1, $2, $3) ON CONFLICT (epoch) DO NOTHING",
		int64(epoch), node, int64(timeline))
	if err != nil {
		return fmt.Errorf("record epoch %d: %w", epoch, err)
	}
	return nil
}
