package strace

import "strings"

// appendQuoted appends p between quotes as strace does: octal escapes as short as the next byte allows.
func appendQuoted(line []byte, p []byte) []byte {
	line = append(line, '"')
	for i, c := range p {
		if j := strings.IndexByte("\"\\\f\n\r\t\v", c); j >= 0 {
			line = append(line, '\\', `"\fnrtv`[j])
			continue
		}
		if c >= ' ' && c <= '~' {
			line = append(line, c)
			continue
		}
		octalFollows := i+1 < len(p) && p[i+1] >= '0' && p[i+1] <= '7'
		line = append(line, '\\')
		if c >= 0o100 || octalFollows {
			line = append(line, '0'+c>>6)
		}
		if c >= 0o10 || octalFollows {
			line = append(line, '0'+c>>3&7)
		}
		line = append(line, '0'+c&7)
	}
	return append(line, '"')
}

// appendString appends the bytes of a buffer, cut to the limit.
func (w *Writer) appendString(p []byte) {
	if w.limit < 0 || len(p) <= w.limit {
		w.line = appendQuoted(w.line, p)
		return
	}
	w.line = append(appendQuoted(w.line, p[:w.limit]), "..."...)
}
