// Package oracle compares pgrouter's classifier with PostgreSQL's own parser, in tests only.
//
// It is a module of its own, outside of the workspace, because the parser is C: it takes minutes to build and a
// hostile statement can crash the process it is in, which is why no shipped program may hold it. Run it with
//
//	GOWORK=off go test ./...
//	GOWORK=off go test -fuzz FuzzAgainstParser -fuzztime 60s
package oracle
