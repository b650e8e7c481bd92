//go:build !race

package failover_test

// normally is how many seeds run.
const normally = 500
