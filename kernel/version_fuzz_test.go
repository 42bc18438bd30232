package kernel_test

import (
	"testing"

	"github.com/epollsim/epollsim/kernel"
)

// Whatever the text, reading it does not panic, and a version that is read reads back the same.
func FuzzParseVersion(f *testing.F) {
	for _, s := range []string{"5.10", "6.1.0", "6.18.y", "2.6.8", "6.18", "6.19", "6.17.y", "05.10", "5.", ".y", "5.10.255", "-5.10", "5.10.0.0", "mainline", "mainline+sb"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := kernel.ParseVersion(s)
		if err != nil {
			return
		}
		again, err := kernel.ParseVersion(v.String())
		if err != nil || again != v {
			t.Fatalf("%q reads as %v, which reads as %v, %v", s, v, again, err)
		}
	})
}
