package kernel_test

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/internal/form"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/kernel/host"
)

// optionSockets are the sockets whose options are compared.
var optionSockets = []struct {
	name string
	open func(c kernel.Calls) (fds []int)
}{
	{"tcp", func(c kernel.Calls) []int { return []int{must(c.Socket(abi.AF_INET, abi.SOCK_STREAM, 0))} }},
	{"tcp6", func(c kernel.Calls) []int { return []int{must(c.Socket(abi.AF_INET6, abi.SOCK_STREAM, 0))} }},
	{"tcp listener", func(c kernel.Calls) []int {
		l := must(c.Socket(abi.AF_INET, abi.SOCK_STREAM, 0))
		must(0, c.Listen(l, 5))
		return []int{l}
	}},
	{"tcp connected", func(c kernel.Calls) []int { return connected(c, abi.AF_INET, "127.0.0.1:0") }},
	{"tcp6 connected", func(c kernel.Calls) []int { return connected(c, abi.AF_INET6, "[::1]:0") }},
	{"udp", func(c kernel.Calls) []int { return []int{must(c.Socket(abi.AF_INET, abi.SOCK_DGRAM, 0))} }},
	{"udp6", func(c kernel.Calls) []int { return []int{must(c.Socket(abi.AF_INET6, abi.SOCK_DGRAM, 0))} }},
	{"unix stream", func(c kernel.Calls) []int { return pair(c, abi.SOCK_STREAM) }},
	{"unix dgram", func(c kernel.Calls) []int { return pair(c, abi.SOCK_DGRAM) }},
	{"unix seqpacket", func(c kernel.Calls) []int { return pair(c, abi.SOCK_SEQPACKET) }},
}

func connected(c kernel.Calls, family int, addr string) []int {
	l := must(c.Socket(family, abi.SOCK_STREAM, 0))
	must(0, c.Bind(l, abi.InetAddr(netip.MustParseAddrPort(addr))))
	must(0, c.Listen(l, 5))
	fd := must(c.Socket(family, abi.SOCK_STREAM, 0))
	must(0, c.Connect(fd, must(c.Getsockname(l))))
	return []int{fd, must(c.Accept(l)), l}
}

func pair(c kernel.Calls, kind int) []int {
	fds := must(c.Socketpair(abi.AF_UNIX, kind, 0))
	return fds[:]
}

var optionLevels = []struct{ level, names int }{{abi.SOL_SOCKET, 90}, {abi.SOL_TCP, 48}, {abi.SOL_UDP, 110}, {abi.SOL_IP, 60}, {abi.SOL_IPV6, 80}, {99, 3}}

var optionValues = []int{0, 1, -1, 2, 100, 65536, math.MaxInt32, 5000}

// machineOptions depend on the machine, or on what is random there.
var machineOptions = map[[2]int]string{
	{abi.SOL_SOCKET, abi.SO_INCOMING_CPU}:          "a connection tells the processor it last ran on",
	{abi.SOL_SOCKET, abi.SO_PEERNAME}:              "a port at random",
	{abi.SOL_SOCKET, abi.SO_PEERCRED}:              "a process",
	{abi.SOL_SOCKET, 77}:                           "SO_PEERPIDFD opens a file",
	{abi.SOL_SOCKET, abi.SO_PEERGROUPS}:            "the groups of a user",
	{abi.SOL_SOCKET, abi.SO_ATTACH_BPF}:            "depends on what file the number is",
	{abi.SOL_SOCKET, abi.SO_ATTACH_REUSEPORT_EBPF}: "depends on what file the number is",
	{abi.SOL_SOCKET, abi.SO_RESERVE_MEM}:           "depends on control groups",
	{abi.SOL_SOCKET, abi.SO_MARK}:                  "needs a capability",
	{abi.SOL_SOCKET, abi.SO_TXREHASH}:              "a sysctl",
	{abi.SOL_TCP, abi.TCP_CONGESTION}:              "what the machine has",
	{abi.SOL_TCP, abi.TCP_TIMESTAMP}:               "a clock",
	{abi.SOL_TCP, abi.TCP_WINDOW_CLAMP}:            "of a connection it follows from what was received",
	{abi.SOL_TCP, 38}:                              "TCP_AO is a choice of the kernel's configuration",
	{abi.SOL_TCP, 39}:                              "TCP_AO",
	{abi.SOL_TCP, 40}:                              "TCP_AO",
	{abi.SOL_TCP, 41}:                              "TCP_AO",
	{abi.SOL_TCP, 42}:                              "TCP_AO",
	{abi.SOL_IP, abi.IP_PROTOCOL}:                  "a port at random",
	{abi.SOL_IPV6, 64}:                             "netfilter",
	{abi.SOL_IPV6, 65}:                             "netfilter",
	{abi.SOL_IPV6, 68}:                             "netfilter",
	{abi.SOL_IPV6, 69}:                             "netfilter",
	{abi.SOL_IPV6, abi.IPV6_MULTICAST_IF}:          "the devices of the machine",
	{abi.SOL_IPV6, 72}:                             "source addresses are not chosen",
}

// optionProbe asks for an option, sets it and asks again, each on a socket of its own.
func optionProbe(c kernel.Calls, open func(kernel.Calls) []int, level, name int, say func(string)) {
	text := func(v int, err error) string {
		if err != nil {
			return err.Error()
		}
		return fmt.Sprint(v)
	}
	closing := func(do func(fd int)) {
		fds := open(c)
		do(fds[0])
		for _, fd := range fds {
			must(0, c.Close(fd))
		}
	}
	closing(func(fd int) { say("get " + text(c.Getsockopt(fd, level, name))) })
	for _, v := range optionValues {
		closing(func(fd int) {
			s := fmt.Sprintf("set %d: %s", v, text(0, c.Setsockopt(fd, level, name, kernel.SockOpt{A: v})))
			say(s + ", get " + text(c.Getsockopt(fd, level, name)))
		})
	}
}

// TestSocketOptionsLikeHost: every option of these levels, asked for and set to some ints, on sockets of all kinds, says
// what the running kernel says, or that it is not modelled. All of them in the long form, otherwise a quarter.
func TestSocketOptionsLikeHost(t *testing.T) {
	if testing.Short() {
		t.Skip("every option of every socket, one after the other")
	}
	h, err := host.New(host.Options{Timeout: 60 * time.Second})
	if errors.Is(err, host.ErrUnsupported) {
		t.Skip(err)
	}
	require.NoError(t, err)
	defer h.Close()
	compared, unmodelled := 0, 0
	require.NoError(t, h.Run(func(c kernel.Calls) {
		for kind, s := range optionSockets {
			for _, l := range optionLevels {
				for name := range l.names {
					if machineOptions[[2]int{l.level, name}] != "" || !form.Sample(name+kind, 12) {
						continue
					}
					var want, got []string
					optionProbe(c, s.open, l.level, name, func(s string) { want = append(want, s) })
					err := kernel.Boot(kernel.Options{}).Run(func(c kernel.Calls) {
						optionProbe(c, s.open, l.level, name, func(s string) { got = append(got, s) })
					})
					var refused *devices.NotModelledError
					switch {
					case errors.As(err, &refused):
						unmodelled++
						want = want[:len(got)]
					case err != nil:
						t.Errorf("%s, level %d, option %d: %v", s.name, l.level, name, err)
					}
					compared += len(got)
					for i, g := range got {
						if g != want[i] {
							t.Errorf("%s, level %d, option %d: the host says %q, the model %q", s.name, l.level, name, want[i], g)
							break
						}
					}
				}
			}
		}
	}))
	t.Logf("%d answers compared; of %d options some value is not modelled", compared, unmodelled)
}
