package devices_test

import (
	"testing"

	"github.com/epollsim/epollsim/devices/devicetest"
)

// TestConformance: each device is a line, and a file conform_NAME_test.go.
func TestConformance(t *testing.T) {
	for _, d := range []devicetest.Device{
		eventfdDevice(0),
		eventfdDevice(1), // EFD_SEMAPHORE
		pipeDevice,
		fifoDevice,
		timerfdDevice,
		signalfdDevice,
		pidfdDevice,
		unixStreamDevice,
		unixSeqpacketDevice,
		unixDgramDevice,
		unixListenerDevice,
		unixServerDevice,
		inotifyDevice,
		mountsDevice,
		udp4Device,
		udp6Device,
		ttyDevice,
		tcpDevice,
		tcpListenerDevice,
	} {
		t.Run(d.Name, func(t *testing.T) { devicetest.Test(t, d) })
	}
}
