package kerneltest_test

import (
	"testing"

	"github.com/epollsim/epollsim/internal/form"
)

// Most of the time of a shape on the host is sleep.
func TestMain(m *testing.M) {
	form.Waiting(8)
	m.Run()
}
