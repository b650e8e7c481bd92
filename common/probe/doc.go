// Package probe asks one PostgreSQL server how it is: it logs in as the configured user of the checks, reads what the
// server says of itself, and tells what an error means.
//
// Everything is written for PostgreSQL 10 to 18 and a role without privileges; it was tried with 13, 15, 17 and 18. What
// only a member of pg_monitor may see is then empty: the upstream of a standby, and the rows of pg_stat_replication.
package probe
