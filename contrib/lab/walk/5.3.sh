# Section 5.3: what is written through the router arrives on the standby.
# shellcheck shell=bash

title "5.3 Create a test table and check replication"
# The walk can be repeated: sessions that the router still holds in that database do not keep it.
client psql -h "$ENTRY" -p 9999 -U postgres -c "DROP DATABASE IF EXISTS test WITH (FORCE)"

printf 'client$ psql -h %s -p 9999 -U postgres\n' "$ENTRY"
session='CREATE DATABASE test;
\c test
CREATE schema test;
CREATE TABLE test.test(id integer PRIMARY KEY, value integer NOT NULL);
INSERT INTO test.test values(1, 1);
\q'
printf '%s\n' "$session"
output=$(on client env PGPASSWORD=postgres psql -v ON_ERROR_STOP=1 -h "$ENTRY" -p 9999 -U postgres <<<"$session" 2>&1) || :
expect "psql's answers" 'CREATE DATABASE
You are now connected to database "test" as user "postgres".
CREATE SCHEMA
CREATE TABLE
INSERT 0 1' "$(grep -v '^psql (' <<<"$output" | sed 's/ on host .*/./; s/^SSL connection .*//' | grep .)"

wait_replay
standby=$(role_host standby)
printf '%s$ psql -p 5432 -U postgres test -c "select * from test.test"\n' "$standby"
output=$(on "postgres@$standby" psql -p 5432 -U postgres test -c "select * from test.test" 2>&1) || :
printf '%s\n' "$output"
expect "the row is on the standby $standby" ' id | value 
----+-------
  1 |     1
(1 row)' "$output"
