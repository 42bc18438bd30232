package abi

// use says who may meet the name of a row.
type use uint8

const (
	plain    use = iota // printed, read, and listed by Constants
	alias               // read and listed; another row of the same value is printed
	spelling            // printed and read as strace spells it; no name for an author
	internal            // a bit of the kernel's own: printed by Short alone
)

// row is one name and its value. Rows stand in the order in which strace prints them.
type row struct {
	name  string
	value int64
	use   use
}

// printed reports whether strace's text of a value contains this row.
func (r row) printed() bool { return r.use == plain || r.use == spelling }

// listed reports whether a scenario author may use this row.
func (r row) listed() bool { return r.use == plain || r.use == alias }

// group is what one argument of a system call may hold, as names.
type group struct {
	name  string
	kind  string             // what strace calls an unknown value: 0x9 /* kind */; empty: the bare number
	base  []row              // values of the field under mask, printed before the flags
	mask  int64              // the field that is one value, not flags
	rows  []row              // the flags, or the values of an enumeration
	other func(int64) string // spells an unknown value, in place of number and kind
	again bool               // shows rows that an earlier group lists
}

// groups is the table of all groups. A group is called after the prefix of its names; where one prefix serves two
// arguments, or none serves, the second is called after its system call or command.
var groups = []*group{
	{name: "EPOLL", kind: "EPOLL???", rows: eventRows},
	{name: "EPOLL_CREATE1", kind: "EPOLL_???", rows: epollCreateRows},
	{name: "EPOLL_CTL", kind: "EPOLL_CTL_???", rows: epollCtlRows},
	{name: "POLL", kind: "POLL???", rows: pollRows},
	{name: "O", base: accessRows, mask: O_ACCMODE, rows: openRows},
	{name: "AT", kind: "AT_???", rows: atRows},
	{name: "SA", kind: "SA_???", rows: sigactionFlagRows},
	{name: "PIPE2", kind: "O_???", rows: openRows, again: true},
	{name: "F", kind: "F_???", rows: fcntlRows},
	{name: "FD", kind: "FD_???", rows: fdFlagRows},
	{name: "CLOSE_RANGE", kind: "CLOSE_RANGE_???", rows: closeRangeRows},
	{name: "SEEK", kind: "SEEK_???", rows: seekRows},
	{name: "EFD", kind: "EFD_???", rows: eventfdRows},
	{name: "TFD", kind: "TFD_???", rows: timerfdRows},
	{name: "SFD", kind: "SFD_???", rows: signalfdRows},
	{name: "PIDFD", kind: "PIDFD_???", rows: pidfdRows},
	{name: "IN", kind: "IN_???", rows: inotifyRows},
	{name: "INOTIFY_INIT1", kind: "IN_???", rows: inotifyInitRows},
	{name: "MFD", kind: "MFD_???", rows: memfdRows},
	{name: "SPLICE_F", kind: "SPLICE_F_???", rows: spliceRows},
	{name: "AF", kind: "AF_???", rows: familyRows},
	{name: "SOCK", kind: "SOCK_???", base: socketTypeRows, mask: 0xf, rows: socketFlagRows},
	{name: "ACCEPT4", kind: "SOCK_???", rows: socketFlagRows, again: true},
	{name: "IPPROTO", kind: "IPPROTO_???", rows: protocolRows},
	{name: "SHUT", kind: "SHUT_???", rows: shutdownRows},
	{name: "MSG", kind: "MSG_???", rows: messageRows},
	{name: "SOL", kind: "SOL_??", rows: levelRows}, // two: so does strace
	{name: "SO", kind: "SO_???", rows: socketOptionRows},
	{name: "TCP", kind: "TCP_???", rows: tcpOptionRows},
	{name: "IP", kind: "IP_???", rows: ipOptionRows},
	{name: "IPV6", kind: "IPV6_???", rows: ipv6OptionRows},
	{name: "IOCTL", other: ioctlNumber, rows: ioctlRows},
	{name: "TCFLSH", kind: "TC???", rows: flushRows},
	{name: "TCXONC", kind: "TC???", rows: flowRows},
	{name: "TTY_IFLAG", rows: iflagRows},
	{name: "TTY_OFLAG", rows: oflagRows},
	{name: "TTY_CFLAG", rows: cflagRows},
	{name: "TTY_LFLAG", rows: lflagRows},
	{name: "TTY_CC", rows: controlCharRows},
	{name: "TIOCPKT", rows: packetRows},
	{name: "SIG", other: decimal, rows: signalRows},
	{name: "SIGACTION", rows: handlerRows},
	{name: "SIGPROCMASK", kind: "SIG_???", rows: maskHowRows},
	{name: "CLOCK", kind: "CLOCK_???", rows: clockRows},
	{name: "RLIMIT", kind: "RLIMIT_???", rows: rlimitRows},
	{name: "CLONE", kind: "CLONE_???", rows: cloneRows},
	{name: "W", kind: "W???", rows: waitRows},
	{name: "P", kind: "P_???", rows: waitIDRows},
}

// Constant is a name that a scenario may use for a number.
type Constant struct {
	Name  string
	Value int64
	Group string // what [Flags] and [Enum] take to print it
}

// Constants lists every constant that a scenario author may use, group by group in a fixed order. Errnos are not among
// them, see [Errnos].
func Constants() []Constant {
	var list []Constant
	for _, g := range groups {
		if g.again {
			continue
		}
		for _, rows := range [][]row{g.base, g.rows} {
			for _, r := range rows {
				if r.listed() {
					list = append(list, Constant{r.name, r.value, g.name})
				}
			}
		}
	}
	return list
}

var (
	groupByName = indexGroups()
	valueByName = indexValues()
)

func indexGroups() map[string]*group {
	index := make(map[string]*group, len(groups))
	for _, g := range groups {
		index[g.name] = g
	}
	return index
}

func indexValues() map[string]int64 {
	index := make(map[string]int64)
	for _, g := range groups {
		for _, rows := range [][]row{g.base, g.rows} {
			for _, r := range rows {
				index[r.name] = r.value
			}
		}
	}
	return index
}
