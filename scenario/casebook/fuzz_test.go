package casebook

import (
	"strings"
	"testing"
)

// Whatever a file holds, its head is taken apart without a panic, and its program is the end of it.
func FuzzParse(f *testing.F) {
	for _, c := range All()[:5] {
		f.Add(c.Source)
	}
	for _, src := range []string{"", "#", "# x", "# x: a\n# myth: \n# expect: Never (b)\n", "#\r\n#expect:", "# expect: \n\nx", "# model only: a\x00"} {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		c := Case{ID: "x", Source: src}
		c.parse()
		if p := c.Program(); !strings.HasSuffix(src, p) || strings.HasPrefix(p, "#") {
			t.Fatalf("%q: program %q", src, p)
		}
		if strings.Contains(c.Claim, "\n") {
			t.Fatalf("%q: claim %q", src, c.Claim)
		}
	})
}
