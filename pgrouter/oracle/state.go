package oracle

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgcrew/pgcrew/pgrouter/internal/route"
)

// classes are those that a statement may have which changes the session's state, of which the router must not miss any,
// and the name that it must see. None: the statement changes nothing that the router follows.
func classes(stmt *pg.Node) (want []route.Class, name string) {
	switch n := stmt.GetNode().(type) {
	case *pg.Node_TransactionStmt:
		switch n.TransactionStmt.Kind {
		case pg.TransactionStmtKind_TRANS_STMT_BEGIN, pg.TransactionStmtKind_TRANS_STMT_START:
			return []route.Class{route.Begin}, ""
		case pg.TransactionStmtKind_TRANS_STMT_COMMIT:
			return []route.Class{route.Commit}, ""
		case pg.TransactionStmtKind_TRANS_STMT_ROLLBACK:
			return []route.Class{route.Rollback}, ""
		case pg.TransactionStmtKind_TRANS_STMT_SAVEPOINT:
			return []route.Class{route.Savepoint}, n.TransactionStmt.SavepointName
		case pg.TransactionStmtKind_TRANS_STMT_RELEASE:
			return []route.Class{route.Release}, n.TransactionStmt.SavepointName
		case pg.TransactionStmtKind_TRANS_STMT_ROLLBACK_TO:
			return []route.Class{route.RollbackTo}, n.TransactionStmt.SavepointName
		case pg.TransactionStmtKind_TRANS_STMT_PREPARE:
			return []route.Class{route.PrepareTransaction}, ""
		}
		return []route.Class{route.TwoPhase}, ""
	case *pg.Node_VariableSetStmt:
		return setting(n.VariableSetStmt)
	case *pg.Node_DiscardStmt:
		if n.DiscardStmt.Target == pg.DiscardMode_DISCARD_ALL {
			return []route.Class{route.DiscardAll}, ""
		}
		return []route.Class{route.Discard}, ""
	case *pg.Node_PrepareStmt:
		return []route.Class{route.Prepare}, n.PrepareStmt.Name
	case *pg.Node_ExecuteStmt:
		return []route.Class{route.Execute}, n.ExecuteStmt.Name
	case *pg.Node_DeallocateStmt:
		if n.DeallocateStmt.Name == "" {
			return []route.Class{route.DeallocateAll}, ""
		}
		return []route.Class{route.Deallocate}, n.DeallocateStmt.Name
	}
	return nil, ""
}

func setting(n *pg.VariableSetStmt) ([]route.Class, string) {
	switch n.Kind {
	case pg.VariableSetKind_VAR_RESET_ALL:
		return []route.Class{route.Reset}, ""
	case pg.VariableSetKind_VAR_SET_MULTI:
		return []route.Class{route.SetTransaction}, ""
	}
	switch n.Name {
	case "role", "session_authorization":
		if n.IsLocal {
			return []route.Class{route.SetLocal}, ""
		}
		return []route.Class{route.SetRole}, ""
	case "transaction_isolation", "transaction_read_only":
		return []route.Class{route.SetTransaction}, ""
	case "timezone", "client_encoding", "search_path", "xmloption", "seed", "names", "schema":
		return anySet(n), "" // they have spellings of their own
	}
	return anySet(n), n.Name
}

func anySet(n *pg.VariableSetStmt) []route.Class {
	switch {
	case n.Kind == pg.VariableSetKind_VAR_RESET:
		return []route.Class{route.Reset}
	case n.IsLocal:
		return []route.Class{route.SetLocal}
	}
	return []route.Class{route.Set}
}
