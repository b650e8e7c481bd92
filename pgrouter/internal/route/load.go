package route

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Load reads a catalog snapshot from the database that conn is connected to, which may be a primary or a standby. Any
// role may do it: the system catalogs are readable by all. It runs one read-only transaction and leaves the connection
// as it was. Errors are those of the server or the connection.
func Load(ctx context.Context, conn *pgconn.PgConn, set CatalogSettings) (*Catalog, error) {
	sn, err := read(ctx, conn)
	if err != nil {
		return nil, fmt.Errorf("read the catalog: %w", err)
	}
	return sn.build(set), nil
}

// before makes what the server prints unambiguous: names with their schema, literals by the standard. And it asks whether
// the server is an old one.
const before = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
	SET LOCAL search_path = pg_catalog; SET LOCAL standard_conforming_strings = on; SET LOCAL client_encoding = 'UTF8';
	SET LOCAL quote_all_identifiers = off;
	SELECT current_setting('server_version_num')::int < 140000`

// read runs the queries in one transaction and takes their rows.
func read(ctx context.Context, conn *pgconn.PgConn) (*snapshot, error) {
	sn := new(snapshot)
	// Databases with encodings that cannot be converted to UTF8 are read as they are.
	asked, err := conn.Exec(ctx, before).ReadAll()
	if err != nil {
		return nil, err
	}
	last := asked[len(asked)-1].Rows
	old := len(last) == 1 && yes(last[0][0])
	for _, q := range queries {
		if old {
			q.sql = before14.Replace(q.sql)
		}
		if err := sn.run(ctx, conn, q); err != nil {
			conn.Exec(ctx, "ROLLBACK").Close()
			return nil, err
		}
	}
	return sn, conn.Exec(ctx, "COMMIT").Close()
}

func (sn *snapshot) run(ctx context.Context, conn *pgconn.PgConn, q query) error {
	rows := conn.ExecParams(ctx, q.sql, nil, nil, nil, nil)
	for rows.NextRow() {
		q.row(sn, rows.Values())
	}
	_, err := rows.Close()
	return err
}

type query struct {
	sql string
	row func(sn *snapshot, v [][]byte)
}

// firstUser is the first OID that is not PostgreSQL's own (FirstNormalObjectId).
const firstUser = 16384

var queries = []query{
	{metaSQL, func(sn *snapshot, v [][]byte) {
		sn.utf8, sn.serializable, sn.volatileSort = yes(v[0]), yes(v[1]), yes(v[2])
	}},
	{functionSQL, func(sn *snapshot, v [][]byte) {
		sn.functions = append(sn.functions, function{
			name: string(v[0]), schema: string(v[1]), volatile: yes(v[2]), callable: yes(v[3]), single: yes(v[4]),
			extension: yes(v[5]), types: ids(v[6]), body: string(v[7]), defaultArgs: string(v[8]),
		})
	}},
	{relationSQL, func(sn *snapshot, v [][]byte) {
		sn.relations = append(sn.relations, relation{
			id: id(v[0]), name: string(v[1]), schema: string(v[2]), kind: v[3][0], persistence: v[4][0],
			rowType: id(v[5]), definition: string(v[6]),
		})
	}},
	{typeSQL, func(sn *snapshot, v [][]byte) {
		sn.types = append(sn.types, dataType{
			id: id(v[0]), name: string(v[1]), base: id(v[2]), element: id(v[3]), relation: id(v[4]), subtype: id(v[5]),
			volatile: yes(v[6]), builtin: id(v[0]) < firstUser,
		})
	}},
	{checkSQL, func(sn *snapshot, v [][]byte) { sn.checks = append(sn.checks, expression{id(v[0]), string(v[1])}) }},
	{policySQL, func(sn *snapshot, v [][]byte) { sn.policies = append(sn.policies, expression{id(v[0]), string(v[1])}) }},
	{inheritSQL, func(sn *snapshot, v [][]byte) { sn.inherits = append(sn.inherits, [2]uint32{id(v[0]), id(v[1])}) }},
	{attributeSQL, func(sn *snapshot, v [][]byte) { sn.attributes = append(sn.attributes, [2]uint32{id(v[0]), id(v[1])}) }},
	{castSQL, func(sn *snapshot, v [][]byte) { sn.casts = append(sn.casts, cast{id(v[0]), yes(v[1])}) }},
	{operatorSQL, func(sn *snapshot, v [][]byte) { sn.operators = append(sn.operators, string(v[0])) }},
}

func yes(v []byte) bool { return len(v) == 1 && v[0] == 't' }

func id(v []byte) uint32 {
	n, _ := strconv.ParseUint(string(v), 10, 32)
	return uint32(n)
}

// ids reads a list of OIDs with blanks between them; built-in ones are left out.
func ids(v []byte) (list []uint32) {
	for _, word := range strings.Fields(string(v)) {
		if n := id([]byte(word)); n >= firstUser {
			list = append(list, n)
		}
	}
	return list
}
