package wal

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A sample is a file of a few records, and what it held after each of them.
type sample struct {
	bytes  []byte
	ends   []int // offset behind each record
	states []State
}

func makeSample(t *testing.T) sample {
	dir := t.TempDir()
	l, _ := mustOpen(t, dir)
	mustSave(t, l, hard(1, 1, 0), nil, snapshot(1, 4))
	var s sample
	add := func() {
		b, err := os.ReadFile(filepath.Join(dir, logName))
		if err != nil {
			t.Fatal(err)
		}
		s.bytes, s.ends, s.states = b, append(s.ends, len(b)), append(s.states, l.state)
	}
	add()
	mustSave(t, l, hard(2, 3, 4), nil, nil)
	add()
	mustSave(t, l, nil, run(2, 5, 6), nil)
	add()
	mustSave(t, l, hard(3, 1, 5), run(3, 6, 8), nil)
	add()
	mustClose(t, l)
	return s
}

// openBytes opens a folder whose log holds b.
func openBytes(t *testing.T, dir string, b []byte) (State, error) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, logName), b, 0o600); err != nil {
		t.Fatal(err)
	}
	l, s, err := Open(dir)
	if err == nil {
		mustClose(t, l)
	}
	return s, err
}

// wantRefused checks that the error names what it must.
func wantRefused(t *testing.T, err error, dir string, offset int, what string) {
	t.Helper()
	at := fmt.Sprintf("damaged at byte %d ", offset)
	if err == nil {
		t.Fatal("opened what is damaged")
	}
	for _, part := range []string{filepath.Join(dir, logName), at, what, "remove its data folder " + dir, "let it join again"} {
		if !strings.Contains(err.Error(), part) {
			t.Fatalf("%q is not in the error: %v", part, err)
		}
	}
}

func TestATornLastRecordIsCutOff(t *testing.T) {
	s := makeSample(t)
	dir := t.TempDir()
	for length := range len(s.bytes) + 1 {
		whole := 0 // records that are there
		for whole < len(s.ends) && s.ends[whole] <= length {
			whole++
		}
		got, err := openBytes(t, dir, s.bytes[:length])
		if whole == 0 {
			at := 0
			if length >= headerSize {
				at = headerSize
			}
			wantRefused(t, err, dir, at, "")
			continue
		}
		if err != nil {
			t.Fatalf("%d bytes: %v", length, err)
		}
		if want := int64(length - s.ends[whole-1]); !equal(got, s.states[whole-1]) || got.Cut != want {
			t.Fatalf("%d bytes: got %v, want %v and a cut of %d", length, got, s.states[whole-1], want)
		}
	}
}

func TestWhatFollowsTheLastRecordIsCutOff(t *testing.T) {
	s := makeSample(t)
	for name, tail := range map[string][]byte{
		"a zero":     make([]byte, 1),
		"zeros":      make([]byte, 5000),
		"garbage":    bytes.Repeat([]byte("garbage "), 700),
		"half a log": fileHeader(),
	} {
		got, err := openBytes(t, t.TempDir(), append(slices.Clone(s.bytes), tail...))
		if err != nil || !equal(got, s.states[3]) || got.Cut != int64(len(tail)) {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
}

func TestDamageOfWhatWasPromisedIsRefused(t *testing.T) {
	s := makeSample(t)
	dir := t.TempDir()
	last := s.ends[len(s.ends)-2] // where the last record begins
	for at := range s.bytes {
		b := slices.Clone(s.bytes)
		b[at] ^= 0x10
		got, err := openBytes(t, dir, b)
		if at >= last {
			if err != nil || !equal(got, s.states[2]) || got.Cut != int64(len(b)-last) {
				t.Fatalf("byte %d of the last record: %v, %v", at, got, err)
			}
			continue
		}
		record := 0 // the offset that must be named
		if at >= headerSize {
			record = headerSize
		}
		for _, end := range s.ends {
			if end <= at {
				record = end
			}
		}
		wantRefused(t, err, dir, record, "")
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	s := makeSample(t)
	record := func(k kind, first uint64) []byte {
		b, err := appendRecord(nil, k, hard(9, 1, 0), run(9, first, first), nil)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	newer := fileHeader()
	binary.LittleEndian.PutUint32(newer[8:], 2)
	binary.LittleEndian.PutUint32(newer[12:], sum(newer[:12]))
	end := len(s.bytes)
	for name, test := range map[string]struct {
		bytes  []byte
		offset int
		want   string
	}{
		"empty":                  {nil, 0, "not the beginning of a log"},
		"another file":           {[]byte("port = 9999\nlisten_addresses = '*'\n"), 0, "not the beginning of a log"},
		"only a header":          {fileHeader(), 16, "the first record"},
		"no first record":        {append(fileHeader(), record(added, 1)...), 16, "kind 2 is where kind 1 belongs"},
		"a second first record":  {slices.Concat(s.bytes, record(whole, 1)), end, "kind 1 is where kind 2 belongs"},
		"an unknown kind":        {slices.Concat(s.bytes, record(7, 9)), end, "kind 7 is where kind 2 belongs"},
		"a gap":                  {slices.Concat(s.bytes, record(added, 10)), end, "entry 10 comes, but the log ends at 8"},
		"a commit that is gone":  {slices.Concat(s.bytes[:s.ends[1]], s.bytes[s.ends[2]:]), s.ends[1], "entry 6 comes, but the log ends at 4"},
		"more than a torn write": {slices.Concat(s.bytes, make([]byte, headSize+maxBody+1)), end, "not the last one"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			_, err := openBytes(t, dir, test.bytes)
			wantRefused(t, err, dir, test.offset, test.want)
		})
	}
	if _, err := openBytes(t, t.TempDir(), newer); err == nil || !strings.Contains(err.Error(), "format version 2") {
		t.Errorf("another version: %v", err)
	}
}

// What is refused stays as it is, for whoever wants to look at it.
func TestARefusedFileIsNotTouched(t *testing.T) {
	s := makeSample(t)
	s.bytes[40] ^= 1
	dir := t.TempDir()
	if _, err := openBytes(t, dir, s.bytes); err == nil {
		t.Fatal("opened what is damaged")
	}
	if b, err := os.ReadFile(filepath.Join(dir, logName)); err != nil || !bytes.Equal(b, s.bytes) {
		t.Fatalf("the file was changed: %v", err)
	}
}
