package abi

// Termios is how a terminal treats what goes through it. Models struct ktermios, as TCGETS and TCSETS pass it. See
// termios(3), ioctl_tty(2).
type Termios struct {
	Iflag, Oflag, Cflag, Lflag uint32
	Line                       uint8
	Cc                         [19]uint8
}

// The modes of a terminal that matter to the model. Those of the line itself (speed, parity) a pseudo-terminal ignores.
const (
	ISTRIP  = 0o40
	INLCR   = 0o100
	IGNCR   = 0o200
	ICRNL   = 0o400
	IUCLC   = 0o1000
	IXON    = 0o2000
	IXANY   = 0o4000
	IXOFF   = 0o10000
	IUTF8   = 0o40000
	IGNBRK  = 0o1
	BRKINT  = 0o2
	PARMRK  = 0o10
	OPOST   = 0o1
	OLCUC   = 0o2
	ONLCR   = 0o4
	OCRNL   = 0o10
	ONOCR   = 0o20
	ONLRET  = 0o40
	TABDLY  = 0o14000
	XTABS   = 0o14000
	CSIZE   = 0o60
	CS8     = 0o60
	CREAD   = 0o200
	PARENB  = 0o400
	B38400  = 0o17
	ISIG    = 0o1
	ICANON  = 0o2
	ECHO    = 0o10
	ECHOE   = 0o20
	ECHOK   = 0o40
	ECHONL  = 0o100
	NOFLSH  = 0o200
	TOSTOP  = 0o400
	ECHOCTL = 0o1000
	ECHOPRT = 0o2000
	ECHOKE  = 0o4000
	FLUSHO  = 0o10000
	IEXTEN  = 0o100000
	EXTPROC = 0o200000
)

// The flags stand in strace's order. No author needs them: a scenario turns a terminal raw by tcsetraw.
var (
	iflagRows = []row{
		{"IGNBRK", IGNBRK, spelling}, {"BRKINT", BRKINT, spelling}, {"IGNPAR", 0o4, spelling}, {"PARMRK", PARMRK, spelling},
		{"INPCK", 0o20, spelling}, {"ISTRIP", ISTRIP, spelling}, {"INLCR", INLCR, spelling}, {"IGNCR", IGNCR, spelling},
		{"ICRNL", ICRNL, spelling}, {"IUCLC", IUCLC, spelling}, {"IXON", IXON, spelling}, {"IXANY", IXANY, spelling},
		{"IXOFF", IXOFF, spelling}, {"IMAXBEL", 0o20000, spelling}, {"IUTF8", IUTF8, spelling},
	}
	oflagRows = []row{
		{"OPOST", OPOST, spelling}, {"OLCUC", OLCUC, spelling}, {"ONLCR", ONLCR, spelling}, {"OCRNL", OCRNL, spelling},
		{"ONOCR", ONOCR, spelling}, {"ONLRET", ONLRET, spelling}, {"OFILL", 0o100, spelling}, {"OFDEL", 0o200, spelling},
	}
	cflagRows = []row{
		{"CSTOPB", 0o100, spelling}, {"CREAD", CREAD, spelling}, {"PARENB", PARENB, spelling}, {"PARODD", 0o1000, spelling},
		{"HUPCL", 0o2000, spelling}, {"CLOCAL", 0o4000, spelling},
	}
	lflagRows = []row{
		{"ISIG", ISIG, spelling}, {"ICANON", ICANON, spelling}, {"XCASE", 0o4, spelling}, {"ECHO", ECHO, spelling},
		{"ECHOE", ECHOE, spelling}, {"ECHOK", ECHOK, spelling}, {"ECHONL", ECHONL, spelling}, {"NOFLSH", NOFLSH, spelling},
		{"IEXTEN", IEXTEN, spelling}, {"ECHOCTL", ECHOCTL, spelling}, {"ECHOPRT", ECHOPRT, spelling},
		{"ECHOKE", ECHOKE, spelling}, {"FLUSHO", FLUSHO, spelling}, {"PENDIN", 0o40000, spelling}, {"TOSTOP", TOSTOP, spelling},
		{"EXTPROC", EXTPROC, spelling},
	}
)

// Indices of the control characters.
const (
	VINTR    = 0
	VQUIT    = 1
	VERASE   = 2
	VKILL    = 3
	VEOF     = 4
	VTIME    = 5
	VMIN     = 6
	VSTART   = 8
	VSTOP    = 9
	VSUSP    = 10
	VEOL     = 11
	VREPRINT = 12
	VDISCARD = 13
	VWERASE  = 14
	VLNEXT   = 15
	VEOL2    = 16
)

var controlCharRows = []row{
	{"VINTR", VINTR, spelling}, {"VQUIT", VQUIT, spelling}, {"VERASE", VERASE, spelling}, {"VKILL", VKILL, spelling},
	{"VEOF", VEOF, spelling}, {"VTIME", VTIME, spelling}, {"VMIN", VMIN, spelling}, {"VSTART", VSTART, spelling},
	{"VSTOP", VSTOP, spelling}, {"VSUSP", VSUSP, spelling}, {"VEOL", VEOL, spelling}, {"VREPRINT", VREPRINT, spelling},
	{"VDISCARD", VDISCARD, spelling}, {"VWERASE", VWERASE, spelling}, {"VLNEXT", VLNEXT, spelling}, {"VEOL2", VEOL2, spelling},
}

// Status bytes of a master in packet mode. See TIOCPKT in ioctl_tty(2).
const (
	TIOCPKT_DATA       = 0
	TIOCPKT_FLUSHREAD  = 1
	TIOCPKT_FLUSHWRITE = 2
	TIOCPKT_STOP       = 4
	TIOCPKT_START      = 8
	TIOCPKT_NOSTOP     = 16
	TIOCPKT_DOSTOP     = 32
)

var packetRows = []row{
	{"TIOCPKT_FLUSHREAD", TIOCPKT_FLUSHREAD, spelling}, {"TIOCPKT_FLUSHWRITE", TIOCPKT_FLUSHWRITE, spelling},
	{"TIOCPKT_STOP", TIOCPKT_STOP, spelling}, {"TIOCPKT_START", TIOCPKT_START, spelling},
	{"TIOCPKT_NOSTOP", TIOCPKT_NOSTOP, spelling}, {"TIOCPKT_DOSTOP", TIOCPKT_DOSTOP, spelling},
	{"TIOCPKT_DATA", TIOCPKT_DATA, spelling},
}

// StdTermios is what a new terminal begins with: canonical, with echo, \n → \r\n on output.
func StdTermios() Termios {
	return Termios{
		Iflag: ICRNL | IXON,
		Oflag: OPOST | ONLCR,
		Cflag: B38400 | CS8 | CREAD,
		Lflag: ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
		Cc: [...]uint8{
			18:    0,
			VINTR: 'C' & 0x1f, VQUIT: 0x1c, VERASE: 0x7f, VKILL: 'U' & 0x1f, VEOF: 'D' & 0x1f, VMIN: 1,
			VSTART: 'Q' & 0x1f, VSTOP: 'S' & 0x1f, VSUSP: 'Z' & 0x1f, VREPRINT: 'R' & 0x1f, VDISCARD: 'O' & 0x1f,
			VWERASE: 'W' & 0x1f, VLNEXT: 'V' & 0x1f,
		},
	}
}

// MakeRaw turns off all that is done to the bytes: cfmakeraw(3).
func (t *Termios) MakeRaw() {
	t.Iflag &^= IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON
	t.Oflag &^= OPOST
	t.Lflag &^= ECHO | ECHONL | ICANON | ISIG | IEXTEN
	t.Cflag &^= CSIZE | PARENB
	t.Cflag |= CS8
	t.Cc[VMIN], t.Cc[VTIME] = 1, 0
}
