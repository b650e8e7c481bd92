// Package pgtest starts real PostgreSQL servers for tests: a primary, standbys that stream from it, and ways to stop,
// kill and inspect them.
//
// The newest server below /usr/lib/postgresql is taken, else the one in PATH; $PGBIN names a folder of binaries instead.
// Without one the test is skipped with the reason, unless PGCREW_REQUIRE_POSTGRES=1, which makes it fail, so that a
// continuous integration run cannot lose these tests silently.
//
// PostgreSQL refuses to run as root, so a test run by root starts its servers as the system user postgres.
//
// The servers are below /dev/shm where that is a memory file system with 2 GB free (more with more than four processors) on
// which programs may run: a disk would be waited for with each of a server's thousand files. Else they are below /tmp.
// $PGCREW_TEST_DIR names another folder, which all users can enter, and a short one: the path of a Unix socket may have only
// 107 bytes.
//
// A server ends and its files vanish when the test ends. When the whole test process ends without that (a panic, a
// timeout, kill -9), a small shell that waits for the end of a pipe does the same.
package pgtest
