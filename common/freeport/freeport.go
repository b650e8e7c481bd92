// Package freeport finds ports for the servers of tests.
package freeport

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// Find picks a port of 127.0.0.1 that nobody uses, for TCP and UDP. It is below the kernel's ephemeral range: an outgoing
// connection could otherwise take the port of a server that is to come, or even connect to itself there.
func Find() (int, error) {
	for range 200 {
		port := 12000 + rand.IntN(20000)
		if free(port) {
			return port, nil
		}
	}
	return 0, errors.New("no free port on 127.0.0.1 between 12000 and 32000")
}

func free(port int) bool {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	l, err := net.Listen("tcp", address)
	if err != nil {
		return false
	}
	defer l.Close()
	u, err := net.ListenPacket("udp", address)
	if err != nil {
		return false
	}
	u.Close()
	return true
}

// Ports returns n different ones.
func Ports(t testing.TB, n int) []int {
	t.Helper()
	seen := map[int]bool{}
	ports := make([]int, 0, n)
	for len(ports) < n {
		port, err := Find()
		if err != nil {
			t.Fatal(err)
		}
		if !seen[port] {
			seen[port] = true
			ports = append(ports, port)
		}
	}
	return ports
}

// Port returns one.
func Port(t testing.TB) int {
	t.Helper()
	return Ports(t, 1)[0]
}
