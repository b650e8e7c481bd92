package neighbor

import (
	"testing"
)

// request is an ARP request as tcpdump shows one, on Ethernet with padding.
var request = []byte{
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 6,
	0, 1, 8, 0, 6, 4, 0, 1,
	2, 0, 0, 0, 0, 1, 192, 0, 2, 1,
	0, 0, 0, 0, 0, 0, 192, 0, 2, 2,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
}

func TestParseARP(t *testing.T) {
	p, err := parseARP(request)
	if err != nil || p.SenderIP.String() != "192.0.2.1" || p.SenderHardwareAddr.String() != "02:00:00:00:00:01" {
		t.Errorf("got %+v, %v", p, err)
	}
	for n := range 42 {
		if _, err := parseARP(request[:n]); err == nil {
			t.Errorf("%d bytes are taken for a packet", n)
		}
	}
}

func FuzzParseARP(f *testing.F) {
	f.Add(request)
	f.Add(request[:42])
	f.Add(request[:20])
	f.Fuzz(func(t *testing.T, frame []byte) {
		p, err := parseARP(frame)
		if err == nil && (len(p.SenderHardwareAddr) != 6 || !p.SenderIP.Is4()) {
			t.Errorf("%x gives %+v", frame, p)
		}
	})
}
