// Package e2e tests pgpool as somebody uses it: the real programs, in front of real servers.
package e2e
