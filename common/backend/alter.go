package backend

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Set writes a setting by ALTER SYSTEM, which takes no parameters. It counts after a reload, or a restart.
func Set(ctx context.Context, conn *pgx.Conn, name, value string) error {
	var quoted string
	if err := conn.QueryRow(ctx, "SELECT quote_literal($1::text)", value).Scan(&quoted); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "ALTER SYSTEM SET "+pgx.Identifier{name}.Sanitize()+" = "+quoted, pgx.QueryExecModeSimpleProtocol); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// IsSuper tells whether the user of a session is a superuser.
func IsSuper(ctx context.Context, conn *pgx.Conn) (bool, error) {
	var super bool
	err := conn.QueryRow(ctx, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user").Scan(&super)
	return super, err
}
