package main

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"

	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/sim"
)

// stamp tells a program on a version of the kernel from others, in four letters behind the tokens of its schedules: one that
// is of another program may fit all the same, and show something else.
func stamp(text []byte, version kernel.Version) string {
	sum := sha256.Sum256(append([]byte(version.String()+"\n"), text...))
	return base64.RawURLEncoding.EncodeToString(sum[:3])
}

// warnStranger says that a schedule was recorded with another program, or an earlier text of it, or on another version.
func (f *runFlags) warnStranger(w io.Writer, p *scenario.Program) error {
	strategy, err := f.strategy()
	if err != nil {
		return err
	}
	version, err := kernelVersion(f.kernel, p)
	if err != nil {
		return err
	}
	if r, ok := strategy.(*sim.Replay); ok && r.Stamp() != "" && r.Stamp() != stamp(p.Source(), version) {
		fmt.Fprintf(w, "epollsim: warning: --schedule was recorded with another text of %s, another program or another --kernel; what it shows here may be something else\n", p.Filename())
	}
	return nil
}
