package kernel

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Version names the Linux release whose behaviour is modelled: a mainline release as it came out, one of its
// release candidates, or a stable release of 6.18. Of the 2.6 series Patch tells the releases apart.
type Version struct {
	Major, Minor, Patch int
	RC                  int  // release candidate, 0: none
	Late                bool // the newest stable release of the series: "6.18.y", the baseline of the model
	// StoreBuffer adds the races of that version which need a store buffer: the stores that a real machine could
	// show late are late.
	StoreBuffer bool
}

// Baseline is the release that everything else is described against.
var Baseline = Version{Major: 6, Minor: 18, Late: true}

// Mainline is the Baseline with what is known to have changed since, in releases that are not known.
var Mainline = Version{Major: 7}

// Oldest is the first release that is modelled.
var Oldest = Version{Major: 2, Minor: 6, Patch: 28}

// lastMinor are the last releases of each major version, and of 2.6.
var lastMinor = map[int]int{3: 19, 4: 20, 5: 19, 6: 18}

const last26 = 39

// String is the version as ParseVersion reads it: 6.14-rc1, 6.18.y, 5.4+sb, mainline.
func (v Version) String() string {
	s := fmt.Sprintf("%d.%d", v.Major, v.Minor)
	switch {
	case v.Major == Mainline.Major:
		s = mainline
	case v.Late:
		s += ".y"
	case v.RC > 0:
		s += fmt.Sprintf("-rc%d", v.RC)
	case v.Patch > 0:
		s += fmt.Sprintf(".%d", v.Patch)
	}
	if v.StoreBuffer {
		s += storeBuffer
	}
	return s
}

const (
	storeBuffer = "+sb"
	mainline    = "mainline"
)

// ParseVersion reads a mainline release ("2.6.28" … "6.18"; "6.1" means 6.1.0), a release candidate
// ("5.5-rc1"), a stable release of 6.18 ("6.18.32", "6.18.y" the newest), or "mainline": 6.18.y with what is known to
// have changed since. "+sb" behind it sets StoreBuffer.
func ParseVersion(s string) (Version, error) {
	name, sb := strings.CutSuffix(s, storeBuffer)
	if name == mainline {
		return Version{Major: Mainline.Major, StoreBuffer: sb}, nil
	}
	v, ok := parseRelease(name)
	if !ok {
		return Version{}, fmt.Errorf("kernel version %q: expected a mainline release such as 5.10 or 5.5-rc1, or 6.18.y, 6.18.32 or mainline", s)
	}
	switch last := lastMinor[v.Major]; {
	case v.Late && v != Baseline:
		return Version{}, fmt.Errorf("kernel version %q: of the stable series only %s is modelled", s, Baseline)
	case v.Before(Oldest) || v.Major > Baseline.Major || v.Major > 2 && v.Minor > last || v.Major == 2 && (v.Minor != 6 || v.Patch > last26):
		return Version{}, fmt.Errorf("kernel version %q: modelled are the releases from %s to %s", s, Oldest, Baseline)
	case v.Patch > 0 && v.Major > 2 && (v.Major != Baseline.Major || v.Minor != Baseline.Minor):
		return Version{}, fmt.Errorf("kernel version %q: %d.%d is modelled as it was released; of stable releases only those of 6.18 are", s, v.Major, v.Minor)
	}
	v.StoreBuffer = sb
	return v, nil
}

func parseRelease(s string) (v Version, ok bool) {
	s, rc, isRC := strings.Cut(s, "-rc")
	parts := strings.Split(s, ".")
	if len(parts) < 2 || len(parts) > 3 || isRC && len(parts) != 2 {
		return v, false
	}
	if len(parts) == 3 && parts[2] == "y" {
		v.Late = true
		parts = parts[:2]
	}
	if isRC {
		parts = append(parts, "0", rc)
	}
	for i, field := range []*int{&v.Major, &v.Minor, &v.Patch, &v.RC}[:len(parts)] {
		x, err := strconv.ParseUint(parts[i], 10, 8)
		if err != nil {
			return v, false
		}
		*field = int(x)
	}
	return v, !isRC || v.RC > 0
}

// Compare orders versions by age: release candidates come before their release, 6.18.y after all others. The
// store buffer does not count.
func (v Version) Compare(w Version) int { return slices.Compare(v.age(), w.age()) }

// Before reports whether v is older than w.
func (v Version) Before(w Version) bool { return v.Compare(w) < 0 }

func (v Version) age() []int {
	patch := v.Patch
	switch {
	case v.Late:
		patch = 1 << 30
	case v.RC > 0:
		patch = -1
	}
	return []int{v.Major, v.Minor, patch, v.RC}
}
