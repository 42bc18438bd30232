package abi

// PIPE_BUF is the size up to which a write to a pipe is atomic. See pipe(7).
const PIPE_BUF = 4096

// Flags of open, pipe2, dup3 and fcntl(F_SETFL). See open(2).
const (
	O_RDONLY  = 0
	O_WRONLY  = 1
	O_RDWR    = 2
	O_ACCMODE = 3

	O_CREAT     = 0x40
	O_EXCL      = 0x80
	O_NOCTTY    = 0x100
	O_TRUNC     = 0x200
	O_APPEND    = 0x400
	O_NONBLOCK  = 0x800
	O_NDELAY    = O_NONBLOCK
	O_SYNC      = 0x101000
	O_RSYNC     = O_SYNC
	O_DSYNC     = 0x1000
	O_DIRECT    = 0x4000
	O_LARGEFILE = 0x8000 // the kernel's value; 0 in C programs on x86-64
	O_NOFOLLOW  = 0x20000
	O_NOATIME   = 0x40000
	O_CLOEXEC   = 0x80000
	O_PATH      = 0x200000
	O_TMPFILE   = 0x410000
	O_DIRECTORY = 0x10000
	O_ASYNC     = 0x2000
)

var accessRows = []row{
	{"O_RDONLY", O_RDONLY, plain},
	{"O_WRONLY", O_WRONLY, plain},
	{"O_RDWR", O_RDWR, plain},
	{"O_ACCMODE", O_ACCMODE, plain},
}

// openRows stands in strace's order: a flag of two bits before its parts, and FASYNC, its spelling of O_ASYNC, last.
var openRows = []row{
	{"O_CREAT", O_CREAT, plain},
	{"O_EXCL", O_EXCL, plain},
	{"O_NOCTTY", O_NOCTTY, plain},
	{"O_TRUNC", O_TRUNC, plain},
	{"O_APPEND", O_APPEND, plain},
	{"O_NONBLOCK", O_NONBLOCK, plain},
	{"O_NDELAY", O_NDELAY, alias},
	{"O_SYNC", O_SYNC, plain},
	{"O_RSYNC", O_RSYNC, alias},
	{"O_DSYNC", O_DSYNC, plain},
	{"__O_SYNC", 0x100000, spelling},
	{"O_DIRECT", O_DIRECT, plain},
	{"O_LARGEFILE", O_LARGEFILE, plain},
	{"O_NOFOLLOW", O_NOFOLLOW, plain},
	{"O_NOATIME", O_NOATIME, plain},
	{"O_CLOEXEC", O_CLOEXEC, plain},
	{"O_PATH", O_PATH, plain},
	{"O_TMPFILE", O_TMPFILE, plain},
	{"__O_TMPFILE", 0x400000, spelling},
	{"O_DIRECTORY", O_DIRECTORY, plain},
	{"O_ASYNC", O_ASYNC, alias},
	{"FASYNC", O_ASYNC, spelling},
}

// Commands of fcntl. See fcntl(2).
const (
	F_DUPFD         = 0
	F_GETFD         = 1
	F_SETFD         = 2
	F_GETFL         = 3
	F_SETFL         = 4
	F_GETLK         = 5
	F_SETLK         = 6
	F_SETLKW        = 7
	F_SETOWN        = 8
	F_GETOWN        = 9
	F_SETSIG        = 10
	F_GETSIG        = 11
	F_GETLK64       = 12
	F_SETLK64       = 13
	F_SETLKW64      = 14
	F_SETOWN_EX     = 15
	F_GETOWN_EX     = 16
	F_GETOWNER_UIDS = 17
	F_OFD_GETLK     = 36
	F_OFD_SETLK     = 37
	F_OFD_SETLKW    = 38
	F_SETLEASE      = 1024
	F_GETLEASE      = 1025
	F_NOTIFY        = 1026
	F_CANCELLK      = 1029
	F_DUPFD_CLOEXEC = 1030
	F_SETPIPE_SZ    = 1031
	F_GETPIPE_SZ    = 1032
	F_ADD_SEALS     = 1033
	F_GET_SEALS     = 1034
)

var fcntlRows = []row{
	{"F_DUPFD", F_DUPFD, plain},
	{"F_GETFD", F_GETFD, plain},
	{"F_SETFD", F_SETFD, plain},
	{"F_GETFL", F_GETFL, plain},
	{"F_SETFL", F_SETFL, plain},
	{"F_GETLK", F_GETLK, plain},
	{"F_SETLK", F_SETLK, plain},
	{"F_SETLKW", F_SETLKW, plain},
	{"F_SETOWN", F_SETOWN, plain},
	{"F_GETOWN", F_GETOWN, plain},
	{"F_SETSIG", F_SETSIG, plain},
	{"F_GETSIG", F_GETSIG, plain},
	{"F_GETLK64", F_GETLK64, spelling},
	{"F_SETLK64", F_SETLK64, spelling},
	{"F_SETLKW64", F_SETLKW64, spelling},
	{"F_SETOWN_EX", F_SETOWN_EX, plain},
	{"F_GETOWN_EX", F_GETOWN_EX, plain},
	{"F_GETOWNER_UIDS", F_GETOWNER_UIDS, plain},
	{"F_OFD_GETLK", F_OFD_GETLK, plain},
	{"F_OFD_SETLK", F_OFD_SETLK, plain},
	{"F_OFD_SETLKW", F_OFD_SETLKW, plain},
	{"F_SETLEASE", F_SETLEASE, plain},
	{"F_GETLEASE", F_GETLEASE, plain},
	{"F_NOTIFY", F_NOTIFY, plain},
	{"F_CANCELLK", F_CANCELLK, plain},
	{"F_DUPFD_CLOEXEC", F_DUPFD_CLOEXEC, plain},
	{"F_SETPIPE_SZ", F_SETPIPE_SZ, plain},
	{"F_GETPIPE_SZ", F_GETPIPE_SZ, plain},
	{"F_ADD_SEALS", F_ADD_SEALS, plain},
	{"F_GET_SEALS", F_GET_SEALS, plain},
}

// Flags of fcntl(F_SETFD).
const (
	FD_CLOEXEC = 1
)

var fdFlagRows = []row{
	{"FD_CLOEXEC", FD_CLOEXEC, plain},
}

// AT_FDCWD stands for the current directory in the calls that take a directory. See openat(2).
const AT_FDCWD = -100

var atRows = []row{
	{"AT_FDCWD", AT_FDCWD, plain},
}

// Flags of close_range. See close_range(2).
const (
	CLOSE_RANGE_UNSHARE = 2
	CLOSE_RANGE_CLOEXEC = 4
)

var closeRangeRows = []row{
	{"CLOSE_RANGE_UNSHARE", CLOSE_RANGE_UNSHARE, plain},
	{"CLOSE_RANGE_CLOEXEC", CLOSE_RANGE_CLOEXEC, plain},
}

// Where lseek counts from. See lseek(2).
const (
	SEEK_SET  = 0
	SEEK_CUR  = 1
	SEEK_END  = 2
	SEEK_DATA = 3
	SEEK_HOLE = 4
)

var seekRows = []row{
	{"SEEK_SET", SEEK_SET, plain},
	{"SEEK_CUR", SEEK_CUR, plain},
	{"SEEK_END", SEEK_END, plain},
	{"SEEK_DATA", SEEK_DATA, plain},
	{"SEEK_HOLE", SEEK_HOLE, plain},
}
