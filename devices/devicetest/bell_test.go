package devicetest_test

import (
	"testing"

	"github.com/epollsim/epollsim/devices/devicetest"
)

// The device of the example passes the suite.
func TestBell(t *testing.T) {
	devicetest.Test(t, bellDevice)
}
