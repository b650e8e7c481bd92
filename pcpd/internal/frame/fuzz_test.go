package frame

import (
	"bytes"
	"testing"
)

// What is read and written again is what was read.
func FuzzRead(f *testing.F) {
	f.Add([]byte("M\x00\x00\x00\x04"))
	f.Add([]byte("R\x00\x00\x00\x08a\x00b\x00"))
	f.Add([]byte("J\x00\x00\x00\x080 \x00s"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := bytes.NewReader(in)
		for {
			before := len(in) - r.Len()
			m, err := Read(r, MaxRequest)
			if err != nil {
				return
			}
			if out := AppendRaw(nil, m.Type, m.Payload); !bytes.Equal(out, in[before:len(in)-r.Len()]) {
				t.Fatalf("read %q, wrote %q", in, out)
			}
			if texts, err := Texts(m.Payload); err == nil && len(m.Payload) > 0 {
				if out := Append(nil, m.Type, texts...); !bytes.Equal(out, AppendRaw(nil, m.Type, m.Payload)) {
					t.Fatalf("%q became %q", m.Payload, out)
				}
			}
		}
	})
}

// A problem that was read is told to others as it was.
func FuzzProblem(f *testing.F) {
	f.Add([]byte("SERROR\x00CXX000\x00Ma\x00Db\x00Fpcp_worker.c\x00L1\x00\x00"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		p, err := ParseProblem(payload)
		if err != nil {
			return
		}
		m, err := Read(bytes.NewReader(AppendProblem(nil, ErrorReply, p)), MaxReply)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := ParseProblem(m.Payload); err != nil || again != p {
			t.Fatalf("%+v became %+v, %v", p, again, err)
		}
		if m.Type != ErrorReply {
			t.Fatalf("its type is %q", m.Type)
		}
	})
}
