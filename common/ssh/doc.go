// Package ssh runs commands on other hosts: with known_hosts verified, keys from a file, the agent or ~/.ssh, and an end when
// the other side falls silent. Its errors say what to do.
package ssh
