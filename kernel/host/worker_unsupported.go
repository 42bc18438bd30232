//go:build !(linux && amd64)

package host

import (
	"errors"
	"time"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

// Worker is not there on this platform.
type Worker struct{}

// MostChildren is how many children a program may leave behind.
const MostChildren = 8

// ErrBatchSize is never returned.
var ErrBatchSize = errors.New("the calls do not fit into one batch")

// NewWorker returns ErrUnsupported.
func NewWorker(int, ...abi.Signal) (*Worker, error) { return nil, ErrUnsupported }

// Host returns nil.
func (*Worker) Host() *Host { return nil }

// Close does nothing.
func (*Worker) Close() error { return nil }

// Renew returns ErrUnsupported.
func (*Worker) Renew() error { return ErrUnsupported }

// Reset returns ErrUnsupported.
func (*Worker) Reset(bool) error { return ErrUnsupported }

// Batch returns a batch that does nothing.
func (*Worker) Batch(int) *Batch { return &Batch{} }

// Batch is not there on this platform.
type Batch struct {
	kernel.Calls
	Stamps bool
	Times  []int64
}

// Run returns ErrUnsupported.
func (*Batch) Run(int, time.Duration, func(int, kernel.Calls)) (int, error) { return 0, ErrUnsupported }

// Record does nothing.
func (*Batch) Record(from, _ int, _ func(int, kernel.Calls)) int { return from }

// Replay does nothing.
func (*Batch) Replay(from, _ int, _ func(int, kernel.Calls)) int { return from }

// Start does nothing.
func (*Batch) Start() {}

// Wait is false.
func (*Batch) Wait(time.Duration) bool { return false }
