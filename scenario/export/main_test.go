package export_test

import (
	"testing"

	"github.com/epollsim/epollsim/internal/form"
)

// Most of the time of a program is sleep.
func TestMain(m *testing.M) {
	form.Waiting(8)
	m.Run()
}
