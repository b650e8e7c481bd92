module github.com/pgcrew/pgcrew/pgrouter/oracle

go 1.26.0

require (
	github.com/pganalyze/pg_query_go/v6 v6.2.5
	github.com/pgcrew/pgcrew/pgrouter v0.1.0
	google.golang.org/protobuf v1.33.0
)

require (
	github.com/jackc/pgpassfile v1.0.0 // indirect
	github.com/jackc/pgservicefile v0.0.0-20240606120523-5a60cdf6a761 // indirect
	github.com/jackc/pgx/v5 v5.12.0 // indirect
	github.com/pgcrew/pgcrew/common v0.1.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace (
	github.com/pgcrew/pgcrew/common v0.1.0 => ../../common
	github.com/pgcrew/pgcrew/pgrouter v0.1.0 => ../
)
