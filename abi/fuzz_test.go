package abi

import "testing"

// Whatever the text, reading it does not panic; what is read prints and reads back the same in every group.
func FuzzParseFlags(f *testing.F) {
	for _, s := range []string{"O_RDWR|O_NONBLOCK", "0x2a /* EPOLL_CTL_??? */", "SOCK_STREAM|0x10 /* SOCK_??? */", "0777|8", "|", "/**/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, ok := ParseFlags(s)
		if !ok || v != unsigned(v) {
			return
		}
		for _, g := range groups {
			checkReadsBack(t, g, v)
		}
	})
}

// Whatever the text, reading it does not panic; what is read prints and reads back the same in both spellings.
func FuzzParseEvents(f *testing.F) {
	for _, s := range []string{"EPOLLIN|EPOLLET", "IN|RDNORM", "EPOLLIN|0x8000", "0x8000 /* EPOLL??? */", "ERR|FREE"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, ok := ParseEvents(s)
		if !ok {
			return
		}
		for _, text := range []string{e.String(), e.Short()} {
			if back, ok := ParseEvents(text); !ok || back != e {
				t.Fatalf("%q is %#x, printed as %q, which is %#x", s, uint32(e), text, uint32(back))
			}
		}
	})
}

// Whatever the text, reading it does not panic; what is read prints and reads back the same.
func FuzzParseSigSet(f *testing.F) {
	for _, s := range []string{"[]", "~[]", "[USR1 CHLD]", "~[RTMIN RT_1]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		set, ok := ParseSigSet(s)
		if !ok {
			return
		}
		if back, ok := ParseSigSet(set.String()); !ok || back != set {
			t.Fatalf("%q is %#x, printed as %q, which is %#x", s, uint64(set), set, uint64(back))
		}
	})
}
