// Package hold decides when a host has a virtual address and when it gives it up. It is pure: events, the time and the
// results of what was done go in, what is to be done comes out.
//
// A Tracker reads from pgwatch's events whether this node may hold the addresses. A Machine, one for each address,
// goes from down over probing and claiming to up, and over releasing to down.
//
// Times are since the boot of the host, sleep included (CLOCK_BOOTTIME).
package hold
