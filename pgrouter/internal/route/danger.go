package route

import "strings"

// refused are functions that must never run on a standby, whatever the catalog or the settings say of them. The first
// line is marked stable in the catalog and refused by a standby all the same; the second changes the session; the third
// reads whatever its argument names, views included; a standby would obey pg_promote.
var refused = wordSet(`
	txid_current pg_current_xact_id pg_walfile_name pg_walfile_name_offset
	set_config setseed nextval setval currval lastval pg_promote pg_notify pg_export_snapshot
	table_to_xml table_to_xml_and_xmlschema schema_to_xml schema_to_xml_and_xmlschema schema_to_xmlschema
	database_to_xml database_to_xml_and_xmlschema database_to_xmlschema table_to_xmlschema`)

// aboutServer are functions that ask the server about itself or the session about its state on it. Clients use the first
// to find the primary.
var aboutServer = wordSet(`
	pg_is_in_recovery pg_is_wal_replay_paused pg_get_wal_replay_pause_state pg_last_wal_receive_lsn
	pg_last_wal_replay_lsn pg_last_xact_replay_timestamp pg_current_wal_lsn pg_current_wal_insert_lsn
	pg_current_wal_flush_lsn pg_my_temp_schema pg_current_xact_id_if_assigned txid_current_if_assigned
	pg_control_system pg_control_checkpoint pg_control_recovery pg_control_init pg_get_replication_slots`)

// harmless are volatile functions of PostgreSQL itself that change nothing and need not run on the primary.
// system and bernoulli are sampling methods.
var harmless = wordSet(`
	random random_normal clock_timestamp timeofday gen_random_uuid uuidv4 uuidv7 pg_sleep pg_sleep_for pg_sleep_until
	system bernoulli pg_relation_size pg_total_relation_size pg_table_size pg_indexes_size pg_database_size
	pg_tablespace_size`)

// harmlessExtension are the same in extensions that come with PostgreSQL; only if they belong to an extension.
var harmlessExtension = wordSet(`
	uuid_generate_v1 uuid_generate_v1mc uuid_generate_v4 gen_random_bytes gen_random_uuid gen_salt
	system_rows system_time`)

// implicit are operators that a query uses without writing their symbol: LIKE, IN, CASE, DISTINCT, ORDER BY, ...
var implicit = wordSet(`= <> < <= > >= ~~ !~~ ~~* !~~* || + -`)

// spellings are the keywords that stand for a built-in type.
var spellings = map[string][]string{
	"bool": {"boolean"}, "int2": {"smallint"}, "int4": {"int", "integer"}, "int8": {"bigint"}, "float4": {"real", "float"},
	"float8": {"double", "float"}, "numeric": {"decimal", "dec"}, "varchar": {"character", "national", "nchar"},
	"bpchar": {"char", "character", "national", "nchar"}, "timestamptz": {"timestamp"}, "timetz": {"time"}, "varbit": {"bit"},
}

func wordSet(words string) map[string]bool {
	set := make(map[string]bool)
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}

// functionReason says why a function of a server's own may not be balanced.
func functionReason(name string) Reason {
	if aboutServer[name] || strings.HasPrefix(name, "pg_stat_") {
		return ReasonServerState
	}
	return ReasonFunction
}

// judge says why f is dangerous by itself, or ReasonNone; and whether that is trusted, whatever its definition says.
func (set *CatalogSettings) judge(f *function) (why Reason, trusted bool) {
	builtin := f.schema == "pg_catalog"
	switch {
	case builtin && (refused[f.name] || aboutServer[f.name] || strings.HasPrefix(f.name, "pg_stat_")):
		return functionReason(f.name), false
	case matches(set.WriteFunctions, f):
		return ReasonWriteList, false
	case matches(set.ReadOnlyFunctions, f):
		return ReasonNone, true
	case builtin && f.volatile && !harmless[f.name]:
		return functionReason(f.name), false
	case builtin:
		return ReasonNone, false
	case len(set.ReadOnlyFunctions) > 0:
		return ReasonReadList, false
	case len(set.WriteFunctions) > 0:
		return ReasonNone, true
	case f.volatile && !(f.extension && harmlessExtension[f.name]):
		return ReasonFunction, false
	}
	return ReasonNone, false
}
