// Package e2e holds the end-to-end tests of pgrouter: real servers behind the real program, and real clients in front of
// it.
//
// PGCREW_E2E_DIRECT=1 sends the clients to the primary itself, to tell a wrong test from a wrong router; tests that are
// about the router alone are skipped then. PGCREW_REQUIRE_DRIVERS=1 makes a missing driver fail its test, and
// PGCREW_E2E_RACE=1 builds the router with the race detector.
package e2e
