package wal

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// A file is a header and records. The header:
//
//	magic    8 bytes
//	version  4
//	checksum 4 of what is before it
//
// A record, whose body is the raft message MsgStorageAppend (raft's own form of what is to be stored):
//
//	length   4 of the body
//	kind     1
//	checksum 4 of the body
//	checksum 4 of what is before it
//	body
//
// Numbers are little-endian, checksums CRC-32C. The head has a checksum of its own, so that a damaged length is not taken
// for a record that was cut short.
const (
	magic      = "pgwatch\n"
	version    = 1
	headerSize = 16
	headSize   = 13
	maxBody    = 16 << 20 // far above what a crew ever stores
)

type kind byte

const (
	whole kind = 1 // all of a State: the first record of a file, and only that
	added kind = 2 // what one Save added
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func sum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

func fileHeader() []byte {
	b := binary.LittleEndian.AppendUint32([]byte(magic), version)
	return binary.LittleEndian.AppendUint32(b, sum(b))
}

// checkHeader tells what is wrong with the beginning of a file.
func checkHeader(b []byte) error {
	switch {
	case len(b) < headerSize || !bytes.HasPrefix(b, []byte(magic)):
		return fmt.Errorf("damaged at byte 0 of %d: this is not the beginning of a log", len(b))
	case binary.LittleEndian.Uint32(b[12:]) != sum(b[:12]):
		return fmt.Errorf("damaged at byte 0 of %d: the checksum of the file header is wrong", len(b))
	case binary.LittleEndian.Uint32(b[8:]) != version:
		return fmt.Errorf("it has format version %d, which another version of pgwatch wrote; this one reads version %d",
			binary.LittleEndian.Uint32(b[8:]), version)
	}
	return nil
}

// appendRecord appends a record to b.
func appendRecord(b []byte, k kind, hs *raftpb.HardState, entries []*raftpb.Entry, snap *raftpb.Snapshot) ([]byte, error) {
	m := &raftpb.Message{Type: new(raftpb.MsgStorageAppend), Entries: entries}
	if !raft.IsEmptyHardState(hs) {
		m.Term, m.Vote, m.Commit = new(hs.GetTerm()), new(hs.GetVote()), new(hs.GetCommit())
	}
	if !raft.IsEmptySnap(snap) {
		m.Snapshot = snap
	}
	body, err := proto.Marshal(m)
	if err != nil {
		return nil, err
	}
	if len(body) > maxBody {
		return nil, fmt.Errorf("a record of %d bytes is more than %d", len(body), maxBody)
	}
	return sealRecord(b, k, body), nil
}

// sealRecord appends a record with that body to b.
func sealRecord(b []byte, k kind, body []byte) []byte {
	start := len(b)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(body)))
	b = append(b, byte(k))
	b = binary.LittleEndian.AppendUint32(b, sum(body))
	b = binary.LittleEndian.AppendUint32(b, sum(b[start:]))
	return append(b, body...)
}

// cutRecord returns the kind and the body of the record that b begins with, and what follows it.
func cutRecord(b []byte) (k kind, body, rest []byte, ok bool) {
	if len(b) < headSize || sum(b[:9]) != binary.LittleEndian.Uint32(b[9:]) {
		return 0, nil, b, false
	}
	length := int64(binary.LittleEndian.Uint32(b))
	if int64(len(b)) < headSize+length {
		return 0, nil, b, false
	}
	body, rest = b[headSize:headSize+length], b[headSize+length:]
	if sum(body) != binary.LittleEndian.Uint32(b[5:]) {
		return 0, nil, b, false
	}
	return kind(b[4]), body, rest, true
}
