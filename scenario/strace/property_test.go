package strace_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario/strace"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var (
	anyFd    = rapid.IntRange(-1, 1<<20)
	anyBytes = rapid.SliceOf(rapid.Byte())
	anyMask  = rapid.Map(rapid.Uint32(), func(v uint32) abi.Events { return abi.Events(v) })
	anyTime  = rapid.Custom(func(t *rapid.T) *abi.Timespec {
		return &abi.Timespec{Sec: rapid.Int64Range(0, 1<<40).Draw(t, "sec"), Nsec: rapid.Int64Range(0, 999_999_999).Draw(t, "nsec")}
	})
	anySignals = rapid.Map(rapid.Uint64(), func(v uint64) *abi.SigSet { s := abi.SigSet(v); return &s })
	anyEvent   = rapid.Custom(func(t *rapid.T) abi.EpollEvent {
		return abi.EpollEvent{Events: anyMask.Draw(t, "events"), Data: rapid.Uint64().Draw(t, "data")}
	})
	anyAddr = rapid.Custom(func(t *rapid.T) abi.Sockaddr {
		port := rapid.Uint16().Draw(t, "port")
		switch rapid.IntRange(0, 3).Draw(t, "family") {
		case 0:
			ip := netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "ip")))
			return abi.Sockaddr{Family: abi.AF_INET, Inet: netip.AddrPortFrom(ip, port)}
		case 1:
			ip := netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "ip")))
			return abi.Sockaddr{Family: abi.AF_INET6, Inet: netip.AddrPortFrom(ip, port)}
		case 2:
			return abi.UnixAddr("@" + string(rapid.SliceOfN(rapid.Byte(), 1, 20).Draw(t, "name")))
		}
		return abi.UnixAddr("/" + string(rapid.SliceOf(rapid.ByteRange(1, 255)).Draw(t, "path")))
	})
)

// anyCall draws a call with arguments of a form, as the model records it.
func anyCall(t *rapid.T) kernel.Call {
	fd := anyFd.Draw(t, "fd")
	switch rapid.IntRange(0, 8).Draw(t, "call") {
	case 0:
		ev := anyEvent.Draw(t, "event")
		return did("epoll_ctl", 0, fd, rapid.SampledFrom([]int{abi.EPOLL_CTL_ADD, abi.EPOLL_CTL_MOD, 77}).Draw(t, "op"), fd, &ev)
	case 1:
		events := rapid.SliceOfN(anyEvent, 0, 5).Draw(t, "events")
		return did("epoll_pwait2", int64(len(events)), fd, events, 8, anyTime.Draw(t, "timeout"), anySignals.Draw(t, "mask"), 8)
	case 2:
		data := anyBytes.Draw(t, "data")
		return did("write", int64(len(data)), fd, data, len(data))
	case 3:
		data := anyBytes.Draw(t, "data")
		return did("recvfrom", int64(len(data)), fd, data, 1<<20, rapid.SampledFrom([]int{0, abi.MSG_PEEK | abi.MSG_DONTWAIT, 1 << 30}).Draw(t, "flags"), nil, nil)
	case 4:
		fds := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) abi.PollFd {
			return abi.PollFd{Fd: rapid.Int32Range(0, 100).Draw(t, "fd"), Events: rapid.Int16().Draw(t, "events"), Revents: rapid.Int16().Draw(t, "revents")}
		}), 0, 6, func(p abi.PollFd) int32 { return p.Fd }).Draw(t, "fds") // of one that is there twice strace does not say which
		ready := 0
		for _, p := range fds {
			if p.Revents != 0 {
				ready++
			}
		}
		return did("poll", int64(ready), fds, len(fds), rapid.IntRange(-1, 1<<30).Draw(t, "timeout"))
	case 5:
		addr := anyAddr.Draw(t, "addr")
		return did("connect", 0, fd, addr, addr.Len())
	case 6:
		return did("timerfd_settime", 0, fd, abi.TFD_TIMER_ABSTIME, &abi.Itimerspec{
			Interval: *anyTime.Draw(t, "interval"), Value: *anyTime.Draw(t, "value"),
		}, nil)
	case 7:
		return failed("openat", rapid.SampledFrom(abi.Errnos()).Draw(t, "errno"), -100,
			string(rapid.SliceOf(rapid.ByteRange(1, 255)).Draw(t, "path")), int(rapid.Uint32().Draw(t, "flags"))&^abi.O_CREAT&^abi.O_TMPFILE)
	}
	data := rapid.SliceOfN(rapid.Byte(), 1, 20).Draw(t, "data")
	return did("sendmsg", int64(len(data)), fd, &kernel.Message{Data: data, Rights: rapid.SliceOfN(rapid.IntRange(0, 100), 0, 4).Draw(t, "rights")}, 0)
}

// What the Writer prints of a call, the Reader finds in it: on one line, and in two parts with another call between them.
func TestReadWhatIsWritten(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		want := anyCall(rt)
		parts := rapid.Bool().Draw(rt, "in two parts")
		s := tell(strace.Options{StringLimit: -1})
		call := s.enter(1000, want)
		if parts {
			s.call(7, did("getpid", 7))
		}
		s.exit(call)
		text := s.log(t)
		records, stats := read(t, text, strace.ReaderOptions{})
		require.Nil(t, stats.First, text)
		got, err := records[len(records)-1].Call.Typed()
		require.NoError(t, err, text)
		got.Pid = want.Pid
		require.Equal(t, same(want), same(got.Call), text)
	})
}

// same is a call as text, without the difference between no bytes and none given.
func same(c kernel.Call) string {
	text := fmt.Sprint(c.Tid, c.Name, c.Ret, c.Err)
	for _, arg := range c.Args {
		switch a := arg.(type) {
		case *abi.EpollEvent:
			text += fmt.Sprintf(" %+v", *a)
		case *abi.Timespec:
			text += fmt.Sprintf(" %+v", *a)
		case *abi.Itimerspec:
			text += fmt.Sprintf(" %+v", *a)
		case *abi.SigSet:
			text += fmt.Sprintf(" %x", uint64(*a))
		case *kernel.Message:
			text += fmt.Sprintf(" %q %v %v", a.Data, a.Rights, a.Flags)
		case []byte:
			text += fmt.Sprintf(" %q", a)
		default:
			text += fmt.Sprintf(" %v", a)
		}
	}
	return text
}
