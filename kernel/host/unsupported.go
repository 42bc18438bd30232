//go:build !(linux && amd64)

package host

import "github.com/epollsim/epollsim/kernel"

// Host is not there on this platform.
type Host struct{}

// New returns ErrUnsupported.
func New(Options) (*Host, error) { return nil, ErrUnsupported }

// Run returns ErrUnsupported.
func (*Host) Run(func(kernel.Calls)) error { return ErrUnsupported }

// Close does nothing.
func (*Host) Close() {}

// Abort does nothing.
func (*Host) Abort() {}

// Current returns nil.
func (*Host) Current() kernel.Calls { return nil }

// Stop does nothing.
func (*Host) Stop(error) {}

// Release returns "".
func Release() string { return "" }
