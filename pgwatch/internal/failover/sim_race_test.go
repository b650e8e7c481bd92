//go:build race

package failover_test

// normally is how many seeds run; the race detector takes ten times as long for each.
const normally = 100
