package devices

import (
	"fmt"
	"maps"
	"math"

	"github.com/epollsim/epollsim/abi"
)

// optionRow is an option that is kept, and does nothing to what is modelled, or is always refused.
type optionRow struct {
	kind     optionKind
	def      int32
	min, max int32
	unset    bool      // -1 makes it what it was
	mask     int32     // what of a number is kept; 0: all
	set, get abi.Errno // what setting it and asking for it always end with
	matters  bool      // it would change what is modelled: only def is taken, the rest refused by name
}

type optionKind uint8

const (
	number    optionKind = iota
	flag                 // of any number, whether it is zero
	forgotten            // taken and not kept
)

// optionTable are the options of a level, by number. Others are ENOPROTOOPT.
type optionTable map[int]optionRow

// row returns a table of options that are alike.
func row(r optionRow, names ...int) optionTable {
	t := optionTable{}
	for _, name := range names {
		t[name] = r
	}
	return t
}

// flags are options that are on or off, off at the beginning.
func flags(names ...int) optionTable { return row(optionRow{kind: flag}, names...) }

// numbers are options of any number, 0 at the beginning.
func numbers(names ...int) optionTable {
	return row(optionRow{min: math.MinInt32, max: math.MaxInt32}, names...)
}

// between is a number with limits: EINVAL beyond.
func between(name int, def, min, max int32) optionTable {
	return row(optionRow{def: def, min: min, max: max}, name)
}

// asked are options that cannot be set.
func asked(value int32, names ...int) optionTable {
	return row(optionRow{def: value, set: abi.ENOPROTOOPT}, names...)
}

// refused are options that are neither set nor given.
func refused(set, get abi.Errno, names ...int) optionTable {
	return row(optionRow{set: set, get: get}, names...)
}

// but are options of which only what they are at the beginning is modelled.
func (t optionTable) but() optionTable {
	for name, r := range t {
		r.matters = true
		t[name] = r
	}
	return t
}

// tables joins tables; of an option that is in several the last one counts.
func tables(all ...optionTable) optionTable {
	joined := optionTable{}
	for _, t := range all {
		maps.Copy(joined, t)
	}
	return joined
}

// Options of SOL_SOCKET that are newer than their names in traces.
const (
	soPasspidfd      = 76
	soPeerpidfd      = 77
	soDevmemDontneed = 80
	soRcvpriority    = 82
	soPassrights     = 83
	soInq            = 84
)

// socketTable are the options of SOL_SOCKET that all sockets have. Of what a message brings along besides its bytes and
// descriptors nothing is modelled, nor is where a packet goes and when.
var socketTable = tables(
	flags(abi.SO_DEBUG, abi.SO_DONTROUTE, abi.SO_BROADCAST, abi.SO_KEEPALIVE, abi.SO_NO_CHECK, abi.SO_TIMESTAMP, abi.SO_TIMESTAMPNS,
		abi.SO_TIMESTAMP_NEW, abi.SO_TIMESTAMPNS_NEW, abi.SO_RXQ_OVFL, abi.SO_WIFI_STATUS, abi.SO_NOFCS, abi.SO_LOCK_FILTER,
		abi.SO_SELECT_ERR_QUEUE, abi.SO_PREFER_BUSY_POLL, abi.SO_RCVMARK, soRcvpriority),
	numbers(abi.SO_PRIORITY, abi.SO_MARK),
	row(optionRow{def: -1, min: math.MinInt32, max: math.MaxInt32}, abi.SO_INCOMING_CPU, abi.SO_MAX_PACING_RATE),
	row(optionRow{def: -1, min: math.MinInt32, max: math.MaxInt32}, abi.SO_PEEK_OFF).but(),
	between(abi.SO_BUSY_POLL, 0, 0, math.MaxInt32),
	between(abi.SO_BINDTOIFINDEX, 0, 0, math.MaxInt32).but(),
	between(abi.SO_TIMESTAMPING, 0, 0, 1<<16-1).but(),
	between(abi.SO_TIMESTAMPING_NEW, 0, 0, 1<<16-1).but(),
	row(optionRow{kind: forgotten, min: math.MinInt32, max: math.MaxInt32}, abi.SO_BSDCOMPAT),
	row(optionRow{get: abi.ENOPROTOOPT, min: math.MinInt32, max: math.MaxInt32}, abi.SO_CNX_ADVICE),
	row(optionRow{get: abi.ENOPROTOOPT, max: math.MaxUint16}, abi.SO_BUSY_POLL_BUDGET),
	asked(0, abi.SO_INCOMING_NAPI_ID, abi.SO_MEMINFO),
	asked(1, abi.SO_SNDLOWAT),
	asked(64, abi.SO_BPF_EXTENSIONS),
	refused(abi.EINVAL, 0, abi.SO_ATTACH_FILTER, abi.SO_TXTIME),
	refused(abi.ENOENT, abi.ENOPROTOOPT, abi.SO_DETACH_FILTER),
	refused(abi.EINVAL, abi.ENOPROTOOPT, abi.SO_ATTACH_REUSEPORT_CBPF, abi.SO_DETACH_REUSEPORT_BPF),
	refused(abi.ENOPROTOOPT, abi.EINVAL, abi.SO_COOKIE, abi.SO_NETNS_COOKIE), // an int has no room for them
	refused(abi.EOPNOTSUPP, abi.EOPNOTSUPP, abi.SO_PASSCRED, abi.SO_PASSSEC, abi.SO_TXREHASH, soPasspidfd, soPassrights),
	refused(abi.ENOPROTOOPT, abi.ENODATA, abi.SO_PEERGROUPS, soPeerpidfd),
	refused(abi.ENOPROTOOPT, 0, abi.SO_TYPE, abi.SO_PROTOCOL, abi.SO_DOMAIN, abi.SO_ERROR, abi.SO_ACCEPTCONN, abi.SO_PEERCRED),
	refused(abi.ENOPROTOOPT, abi.ENOTCONN, abi.SO_PEERNAME),
	refused(abi.EBADF, abi.ENOPROTOOPT, soDevmemDontneed),
	refused(0, 0, abi.SO_BINDTODEVICE, abi.SO_RESERVE_MEM).but(),
)

// setTabled sets an option of a table.
func setTabled(s optioned, table optionTable, level, name, v int) abi.Errno {
	r, known := table[name]
	switch {
	case !known:
		return abi.ENOPROTOOPT
	case r.set != 0:
		return r.set
	case r.unset && v == -1:
		v = int(r.def)
	case r.kind == flag:
		v = truth(v != 0)
	case v < int(r.min) || v > int(r.max):
		return abi.EINVAL
	case r.mask != 0:
		v &= int(r.mask)
	}
	if r.matters && v != int(r.def) {
		return notModelled(s.machine(), "setsockopt %s, %d of a %s socket", optionName(level, name), v, s.proto())
	}
	if r.kind == forgotten {
		return 0
	}
	if before, _ := tabled(s, table, level, name); before != v {
		s.changeOptions().keep(keptOption{int32(level), int32(name), int32(v)})
	}
	return 0
}

// tabled returns an option of a table.
func tabled(s optioned, table optionTable, level, name int) (int, abi.Errno) {
	r, known := table[name]
	switch {
	case !known:
		return 0, abi.ENOPROTOOPT
	case r.get != 0:
		return 0, r.get
	}
	return int(s.options().value(level, name, r.def)), 0
}

// value is what is kept of an option.
func (o *sockOptions) value(level, name int, def int32) int32 {
	for _, k := range o.kept {
		if int(k.level) == level && int(k.name) == name {
			return k.value
		}
	}
	return def
}

func (o *sockOptions) keep(k keptOption) {
	for i, old := range o.kept {
		if old.level == k.level && old.name == k.name {
			o.kept[i] = k
			return
		}
	}
	o.kept = append(o.kept, k)
}

// optionName is how a program spells an option.
func optionName(level, name int) string {
	for _, l := range [...]struct {
		level int
		group string
	}{{abi.SOL_SOCKET, "SO"}, {abi.SOL_TCP, "TCP"}, {abi.SOL_IP, "IP"}, {abi.SOL_IPV6, "IPV6"}} {
		if l.level == level {
			return abi.Enum(l.group, int64(name))
		}
	}
	return fmt.Sprintf("%s %d", abi.Enum("SOL", int64(level)), name)
}
