package strace

import (
	"bufio"
	"errors"
	"io"
	"math"
)

// lines cuts a stream into lines. A line longer than the limit is cut off, the rest of it passed over.
type lines struct {
	in    *bufio.Reader
	limit int
	long  []byte // a line that is longer than the buffer
	count int
	bytes int64
	bound int64 // a line ends where it goes on behind so many bytes of the stream
	cut   bool  // the last one was longer than the limit
	open  bool  // the last one has no line end
}

func newLines(r io.Reader, limit int) *lines {
	return &lines{in: bufio.NewReaderSize(r, 1<<16), limit: limit, bound: math.MaxInt64}
}

// next gives a line without its end, also without the \r before that. It is good until the next call.
func (l *lines) next() ([]byte, error) {
	line, err := l.in.ReadSlice('\n')
	l.cut, l.open = false, false
	if errors.Is(err, bufio.ErrBufferFull) {
		l.long = append(l.long[:0], line...)
		for errors.Is(err, bufio.ErrBufferFull) {
			if l.bytes += int64(len(line)); l.bytes > l.bound {
				l.cut, line, err = true, line[:0], nil
				break
			}
			line, err = l.in.ReadSlice('\n')
			room := max(0, l.limit-len(l.long))
			l.cut = l.cut || room < len(line)
			l.long = append(l.long, line[:min(room, len(line))]...)
		}
		l.bytes += int64(len(line))
		line = l.long
	} else {
		l.bytes += int64(len(line))
	}
	if err != nil && (len(line) == 0 || !errors.Is(err, io.EOF)) {
		return nil, err
	}
	l.count++
	if n := len(line); line[n-1] == '\n' {
		line = line[:n-1]
	} else {
		l.open = !l.cut
	}
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return line, nil
}
