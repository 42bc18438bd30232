package abi

// Commands of ioctl on terminals, pipes, sockets, timers and epoll instances. See ioctl(2), ioctl_tty(2).
const (
	TCGETS            = 0x5401
	TCSETS            = 0x5402
	TCSETSW           = 0x5403
	TCSETSF           = 0x5404
	TCSBRK            = 0x5409
	TCXONC            = 0x540a
	TCFLSH            = 0x540b
	TIOCSCTTY         = 0x540e
	TIOCGPGRP         = 0x540f
	TIOCSPGRP         = 0x5410
	TIOCOUTQ          = 0x5411
	SIOCOUTQ          = TIOCOUTQ
	TIOCSTI           = 0x5412
	TIOCGWINSZ        = 0x5413
	TIOCSWINSZ        = 0x5414
	FIONREAD          = 0x541b
	TIOCINQ           = FIONREAD
	SIOCINQ           = FIONREAD
	TIOCPKT           = 0x5420
	FIONBIO           = 0x5421
	TIOCNOTTY         = 0x5422
	TIOCGSID          = 0x5429
	TIOCGPTN          = 0x80045430
	TIOCSPTLCK        = 0x40045431
	TIOCVHANGUP       = 0x5437
	TIOCGPTPEER       = 0x5441
	FIONCLEX          = 0x5450
	FIOCLEX           = 0x5451
	FIOASYNC          = 0x5452
	SIOCATMARK        = 0x8905
	SIOCOUTQNSD       = 0x894b
	TFD_IOC_SET_TICKS = 0x40085400
	EPIOCSPARAMS      = 0x40088a01 // Linux 6.9; strace 6.1 prints _IOC(…)
	EPIOCGPARAMS      = 0x80088a02
)

// ioctlRows names three commands as strace does, which cannot tell them from those of sound cards.
var ioctlRows = []row{
	{"TCGETS", TCGETS, plain},
	{"TCSETS", TCSETS, alias},
	{"SNDCTL_TMR_START or TCSETS", TCSETS, spelling},
	{"TCSETSW", TCSETSW, alias},
	{"SNDCTL_TMR_STOP or TCSETSW", TCSETSW, spelling},
	{"TCSETSF", TCSETSF, alias},
	{"SNDCTL_TMR_CONTINUE or TCSETSF", TCSETSF, spelling},
	{"TCSBRK", TCSBRK, plain},
	{"TCXONC", TCXONC, plain},
	{"TCFLSH", TCFLSH, plain},
	{"TIOCSCTTY", TIOCSCTTY, plain},
	{"TIOCGPGRP", TIOCGPGRP, plain},
	{"TIOCSPGRP", TIOCSPGRP, plain},
	{"TIOCOUTQ", TIOCOUTQ, plain},
	{"SIOCOUTQ", SIOCOUTQ, alias},
	{"TIOCSTI", TIOCSTI, plain},
	{"TIOCGWINSZ", TIOCGWINSZ, plain},
	{"TIOCSWINSZ", TIOCSWINSZ, plain},
	{"FIONREAD", FIONREAD, plain},
	{"TIOCINQ", TIOCINQ, alias},
	{"SIOCINQ", SIOCINQ, alias},
	{"TIOCPKT", TIOCPKT, plain},
	{"FIONBIO", FIONBIO, plain},
	{"TIOCNOTTY", TIOCNOTTY, plain},
	{"TIOCGSID", TIOCGSID, plain},
	{"TIOCGPTN", TIOCGPTN, plain},
	{"TIOCSPTLCK", TIOCSPTLCK, plain},
	{"TIOCVHANGUP", TIOCVHANGUP, plain},
	{"TIOCGPTPEER", TIOCGPTPEER, plain},
	{"FIONCLEX", FIONCLEX, plain},
	{"FIOCLEX", FIOCLEX, plain},
	{"FIOASYNC", FIOASYNC, plain},
	{"SIOCATMARK", SIOCATMARK, plain},
	{"SIOCOUTQNSD", SIOCOUTQNSD, plain},
	{"TFD_IOC_SET_TICKS", TFD_IOC_SET_TICKS, plain},
	{"EPIOCSPARAMS", EPIOCSPARAMS, plain},
	{"EPIOCGPARAMS", EPIOCGPARAMS, plain},
}

// Arguments of ioctl(TCFLSH) and ioctl(TCXONC). See tcflush(3).
const (
	TCIFLUSH  = 0
	TCOFLUSH  = 1
	TCIOFLUSH = 2

	TCOOFF = 0
	TCOON  = 1
	TCIOFF = 2
	TCION  = 3
)

var flushRows = []row{
	{"TCIFLUSH", TCIFLUSH, plain},
	{"TCOFLUSH", TCOFLUSH, plain},
	{"TCIOFLUSH", TCIOFLUSH, plain},
}

var flowRows = []row{
	{"TCOOFF", TCOOFF, plain},
	{"TCOON", TCOON, plain},
	{"TCIOFF", TCIOFF, plain},
	{"TCION", TCION, plain},
}

// ioctlNumber spells a command that is in no table, as strace does.
func ioctlNumber(v int64) string {
	dir := [...]string{"_IOC_NONE", "_IOC_WRITE", "_IOC_READ", "_IOC_READ|_IOC_WRITE"}[v>>30&3]
	return "_IOC(" + dir + ", " + hex(v>>8&0xff) + ", " + hex(v&0xff) + ", " + hex(v>>16&0x3fff) + ")"
}
