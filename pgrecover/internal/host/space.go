package host

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// A Space is the file system that a path is on.
type Space struct {
	Free  uint64 // bytes that its owner may still use
	Mount string // where it is mounted; the same for all paths on it
}

// Free tells how much space there is at a path that exists.
func Free(ctx context.Context, h Host, path string) (Space, error) {
	out, err := Ask(ctx, h, "df", "-P", "-k", "--", path)
	if err != nil {
		return Space{}, err
	}
	// A line of headings, then: file system, blocks of 1024 bytes, used, free, percent, mount point.
	lines := strings.Split(out, "\n")
	fields := strings.Fields(lines[len(lines)-1])
	if len(fields) < 6 {
		return Space{}, fmt.Errorf("%s: df says %q of %s", h.Name(), out, path)
	}
	free, err := strconv.ParseUint(fields[3], 10, 54)
	if err != nil {
		return Space{}, fmt.Errorf("%s: df says %q of %s: %w", h.Name(), out, path, err)
	}
	return Space{free << 10, strings.Join(fields[5:], " ")}, nil
}

// Usage returns the bytes that a directory takes.
func Usage(ctx context.Context, h Host, path string) (uint64, error) {
	out, err := Output(ctx, h, "du", "-s", "-k", "--", path)
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(out, "\t")
	used, err := strconv.ParseUint(first, 10, 54)
	if err != nil {
		return 0, fmt.Errorf("%s: du says %q of %s: %w", h.Name(), out, path, err)
	}
	return used << 10, nil
}
