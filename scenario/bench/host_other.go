//go:build !linux

package bench

import "time"

func hostCycle(int) (time.Duration, error)  { return 0, errNoHost }
func hostAddDel(int) (time.Duration, error) { return 0, errNoHost }
func hostUnix(int) (time.Duration, error)   { return 0, errNoHost }
func hostSwitch(int) (time.Duration, error) { return 0, errNoHost }
func hostWatch(int) (time.Duration, error)  { return 0, errNoHost }
