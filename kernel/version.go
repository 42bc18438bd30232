package kernel

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/eventpoll"
)

// Version names the Linux release whose behaviour is modelled. A mainline release is Major.Minor.Patch; Late
// means the newest stable release of that series ("6.18.y"), the baseline of the model.
type Version struct {
	Major, Minor, Patch int
	Late                bool
}

// Baseline is the release that everything else is described against.
var Baseline = Version{Major: 6, Minor: 18, Late: true}

func (v Version) String() string {
	if v.Late {
		return fmt.Sprintf("%d.%d.y", v.Major, v.Minor)
	}
	return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch)
}

// ParseVersion reads "5.10" (meaning 5.10.0), "5.10.0" or "6.18.y".
func ParseVersion(s string) (Version, error) {
	bad := fmt.Errorf("kernel version %q: expected a mainline release such as 5.10 or 6.1.0, or 6.18.y", s)
	parts := strings.Split(s, ".")
	if len(parts) < 2 || len(parts) > 3 {
		return Version{}, bad
	}
	var n [3]int
	for i, p := range parts {
		if i == 2 && p == "y" {
			v := Version{Major: n[0], Minor: n[1], Late: true}
			if v != Baseline {
				return Version{}, fmt.Errorf("kernel version %q: of the stable series only %s is modelled", s, Baseline)
			}
			return v, nil
		}
		x, err := strconv.ParseUint(p, 10, 8)
		if err != nil {
			return Version{}, bad
		}
		n[i] = int(x)
	}
	v := Version{Major: n[0], Minor: n[1], Patch: n[2]}
	if !v.AtLeast(2, 6) || v.AtLeast(6, 19) {
		return Version{}, fmt.Errorf("kernel version %q: modelled are 2.6 to 6.18", s)
	}
	return v, nil
}

// AtLeast reports whether v is the mainline release major.minor or a later one.
func (v Version) AtLeast(major, minor int) bool {
	return v.Major > major || v.Major == major && v.Minor >= minor
}

// epollRules are the behaviours of fs/eventpoll.c at v. Only those named in eventpoll.Rules differ; for all
// else the model is the baseline.
func (v Version) epollRules() eventpoll.Rules {
	return eventpoll.Rules{
		SeqCount:            v.Late,
		ScanEndWakesWaiter:  !v.AtLeast(5, 5) || v.AtLeast(5, 13),
		ScanEndWakesPollers: !v.AtLeast(5, 5),
		Exclusive:           v.AtLeast(4, 5),
		Params:              v.AtLeast(6, 9),
	}
}

// pipeRules are the behaviours of fs/pipe.c at v.
func (v Version) pipeRules() devices.PipeRules {
	var r devices.PipeRules
	switch {
	case !v.AtLeast(5, 5):
		r.WakeReaders, r.WakeWriters = devices.WakeReadersIfWritten, devices.WakeWritersIfFreed
	case !v.AtLeast(5, 14):
		r.WakeReaders, r.WakeWriters = devices.WakeReadersIfEmpty, devices.WakeWritersIfWasFull
	case !v.AtLeast(6, 14):
		r.WakeWriters = devices.WakeWritersIfWasFull
	}
	return r
}

// hasPwait2 reports whether epoll_pwait2 exists: since 5.11 (58169a52ebc9).
func (v Version) hasPwait2() bool { return v.AtLeast(5, 11) }
