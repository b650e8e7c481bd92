package route

import "strings"

// before14 takes out of the queries what PostgreSQL has since version 14 only: function bodies that are parsed when the
// function is made, and multiranges.
var before14 = strings.NewReplacer(
	"CASE WHEN p.prosqlbody IS NULL THEN p.prosrc ELSE pg_get_function_sqlbody(p.oid) END", "p.prosrc",
	"g.rngmultitypid", "0")

// metaSQL: is the database in UTF8; are transactions serializable by default, for anybody; does sorting or hashing of a
// user's type run a volatile function.
const metaSQL = `
SELECT getdatabaseencoding() = 'UTF8',
       current_setting('default_transaction_isolation') = 'serializable'
       OR EXISTS (SELECT FROM pg_db_role_setting s, unnest(s.setconfig) c
                  WHERE c ILIKE 'default_transaction_isolation=serializable'
                  AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))),
       EXISTS (SELECT FROM pg_amproc a JOIN pg_proc p ON p.oid = a.amproc WHERE p.provolatile = 'v' AND p.oid >= 16384)`

// functionSQL: an aggregate is as volatile as its parts. Trigger functions, handlers and whatever takes an argument of
// type internal cannot be called by a query.
const functionSQL = `
SELECT p.proname, n.nspname,
       p.provolatile = 'v' OR EXISTS (
           SELECT FROM pg_proc part WHERE part.provolatile = 'v' AND part.oid IN (
               a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn,
               a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn)),
       p.prokind <> 'p' AND r.typname NOT IN ('trigger', 'event_trigger', 'language_handler', 'fdw_handler',
           'index_am_handler', 'table_am_handler') AND NOT 'internal'::regtype = ANY (p.proargtypes)
           OR r.typname = 'tsm_handler',
       p.pronargs - p.pronargdefaults <= 1 AND (p.pronargs >= 1 OR p.provariadic <> 0),
       EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'),
       CASE WHEN p.oid >= 16384 THEN concat_ws(' ', p.proargtypes::text, p.prorettype::text,
           array_to_string(p.proallargtypes, ' ')) END,
       CASE WHEN p.oid >= 16384 AND p.provolatile <> 'v' AND l.lanname IN ('sql', 'plpgsql')
            THEN CASE WHEN p.prosqlbody IS NULL THEN p.prosrc ELSE pg_get_function_sqlbody(p.oid) END END,
       CASE WHEN p.oid >= 16384 THEN pg_get_expr(p.proargdefaults, 0) END
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN pg_type r ON r.oid = p.prorettype
JOIN pg_language l ON l.oid = p.prolang
LEFT JOIN pg_aggregate a ON a.aggfnoid = p.oid`

// relationSQL: the views of information_schema are known by the name of their schema.
const relationSQL = `
SELECT c.oid, c.relname, n.nspname, c.relkind, c.relpersistence, c.reltype,
       CASE WHEN c.relkind = 'v' AND n.nspname <> 'pg_catalog' THEN pg_get_viewdef(c.oid) END
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p', 'S')
AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\_toast%'`

// typeSQL: the row types of tables have the tables' names.
const typeSQL = `
SELECT t.oid, t.typname, t.typbasetype, t.typelem, t.typrelid, g.rngsubtype,
       t.oid >= 16384 AND EXISTS (
           SELECT FROM pg_proc p WHERE p.provolatile = 'v' AND p.oid >= 16384 AND p.oid IN (
               t.typinput, t.typoutput, t.typreceive, t.typsend, g.rngcanonical, g.rngsubdiff))
FROM pg_type t
LEFT JOIN pg_range g ON t.oid IN (g.rngtypid, g.rngmultitypid)`

const checkSQL = `
SELECT contypid, pg_get_expr(conbin, 0) FROM pg_constraint WHERE contypid <> 0 AND contype = 'c'`

const policySQL = `
SELECT p.polrelid, pg_get_expr(p.polqual, p.polrelid)
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
WHERE p.polcmd IN ('*', 'r') AND p.polqual IS NOT NULL AND c.relrowsecurity`

const inheritSQL = `SELECT inhparent, inhrelid FROM pg_inherits`

const attributeSQL = `
SELECT attrelid, atttypid FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped AND atttypid >= 16384`

// castSQL: a cast of context a happens by itself in assignments only, which a read does not have.
const castSQL = `
SELECT c.casttarget, c.castcontext = 'i' FROM pg_cast c JOIN pg_proc p ON p.oid = c.castfunc WHERE p.provolatile = 'v'`

const operatorSQL = `
SELECT DISTINCT o.oprname FROM pg_operator o JOIN pg_proc p ON p.oid = o.oprcode WHERE p.provolatile = 'v'`
