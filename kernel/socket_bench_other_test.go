//go:build !linux

package kernel_test

import "testing"

func hostPingPong(b *testing.B, _, _ int) { b.Skip("the host is not Linux") }

func hostTcpEcho(b *testing.B, _ int) { b.Skip("needs Linux") }
