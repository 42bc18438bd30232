package sim

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
)

// Deviation is a decision that was not the default: how many decisions after the last deviation, and who
// was chosen.
type Deviation struct {
	Gap   uint64
	Index int
}

// tokenPrefix is the version of the token's form.
const tokenPrefix = "s1"

// sumSize is how much of a checksum a token begins with, so that one that was cut or mistyped is no other
// valid one: bytes enough, and base64 does not split them from the rest.
const sumSize = 3

// encodeToken writes deviations as text for a command line. Default decisions cost nothing, so that a
// schedule with few preemptions is short.
func encodeToken(ds []Deviation) string {
	b := make([]byte, sumSize, sumSize+2*len(ds))
	for _, d := range ds {
		b = binary.AppendUvarint(b, d.Gap)
		b = binary.AppendUvarint(b, uint64(d.Index))
	}
	sum := tokenSum(b[sumSize:])
	copy(b, sum[:])
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(b)
}

// stampMark stands between a token and what tells of which program it is.
const stampMark = "."

// Stamp writes behind a token, in place of what may be there, a few letters that tell of which program it is: a part of a checksum. What is
// replayed does not depend on them. The default schedule is one of every program, and has none.
func Stamp(token, stamp string) string {
	bare, _, _ := strings.Cut(token, stampMark)
	if bare == "" || bare == DefaultToken {
		return bare
	}
	return bare + stampMark + stamp
}

func tokenSum(b []byte) (sum [sumSize]byte) {
	c := crc32.ChecksumIEEE(b)
	return [sumSize]byte{byte(c), byte(c >> 8), byte(c >> 16)}
}

// Replay makes the choices of a recorded token; after its end, the default ones.
type Replay struct {
	deviations []Deviation
	count      uint64
	strayed    error
	stamp      string
}

// NewReplay reads a token that Machine.Token wrote, with what Stamp may have added.
func NewReplay(token string) (*Replay, error) {
	text, ok := strings.CutPrefix(token, tokenPrefix)
	if !ok {
		return nil, fmt.Errorf("schedule token %q: it must begin with %q", token, tokenPrefix)
	}
	text, stamp, stamped := strings.Cut(text, stampMark)
	if stamped && stamp == "" {
		return nil, fmt.Errorf("schedule token %q: it is cut", token)
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("schedule token %q: not base64: it is cut or mistyped", token)
	}
	damaged := fmt.Errorf("schedule token %q: it is cut or mistyped", token)
	if len(b) < sumSize || tokenSum(b[sumSize:]) != [sumSize]byte(b) {
		return nil, damaged
	}
	r := &Replay{stamp: stamp}
	for b = b[sumSize:]; len(b) > 0; {
		gap, n := binary.Uvarint(b)
		if n <= 0 || gap == 0 {
			return nil, damaged
		}
		index, k := binary.Uvarint(b[n:])
		if k <= 0 || index > 1<<20 {
			return nil, damaged
		}
		r.deviations = append(r.deviations, Deviation{gap, int(index)})
		b = b[n+k:]
	}
	return r, nil
}

// Without returns a schedule that makes the i-th choice that is not the default one the default one, false if there is none. It
// may not fit the program: then it makes default choices.
func (r *Replay) Without(i int) (*Replay, bool) {
	if i >= len(r.deviations) {
		return nil, false
	}
	rest := append([]Deviation(nil), r.deviations[:i]...)
	for k, d := range r.deviations[i+1:] {
		if k == 0 {
			d.Gap += r.deviations[i].Gap
		}
		rest = append(rest, d)
	}
	return &Replay{deviations: rest}, true
}

// Stamp returns what tells of which program the token is, "" if nothing does.
func (r *Replay) Stamp() string { return r.stamp }

// Preemptive is true.
func (*Replay) Preemptive() bool { return true }

// Next repeats the recorded choice.
func (r *Replay) Next(m *Machine, runnable []*Task, current int) int {
	dflt := max(current, 0)
	if len(r.deviations) == 0 {
		return dflt
	}
	r.count++
	d := r.deviations[0]
	if r.count < d.Gap {
		return dflt
	}
	r.count = 0
	r.deviations = r.deviations[1:]
	if d.Index >= len(runnable) && r.strayed == nil {
		r.strayed = fmt.Errorf("the schedule token does not fit this program: at decision %d it names task %d of %d", m.decisions+1, d.Index+1, len(runnable))
	}
	return d.Index
}

// Err tells whether the token did not fit the program it was replayed on: a choice that does not exist, or
// choices left over.
func (r *Replay) Err() error {
	if r.strayed == nil && len(r.deviations) > 0 {
		return fmt.Errorf("the schedule token does not fit this program: %d of its choices were never reached", len(r.deviations))
	}
	return r.strayed
}

// DefaultToken is the schedule that takes the default choice everywhere.
var DefaultToken = encodeToken(nil)
