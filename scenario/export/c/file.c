/* Descriptors: read(2), write(2), dup(2), fcntl(2), ioctl(2), pipes, eventfds. */

OWN int pair[2];

CALL call_eventfd(unsigned initval, int flags) { done(eventfd(initval, flags)); }
CALL call_pipe(void) { done(pipe(pair)); }
CALL call_pipe2(int flags) { done(pipe2(pair, flags)); }
CALL call_open(const char *name, int flags) { done(open(name, flags, 0600)); }
CALL call_close(int fd) { done(close(fd)); }
CALL call_dup(int fd) { done(dup(fd)); }
CALL call_dup2(int oldfd, int newfd) { done(dup2(oldfd, newfd)); }
CALL call_dup3(int oldfd, int newfd, int flags) { done(dup3(oldfd, newfd, flags)); }
CALL call_close_range(unsigned first, unsigned last, int flags) { done(syscall(436 /* close_range */, first, last, flags)); }
CALL call_lseek(int fd, long offset, int whence) { done(lseek(fd, offset, whence)); }
CALL call_write(int fd, const void *data, size_t n) { done(write(fd, data, n)); }
CALL call_fcntl(int fd, int cmd, long arg) { done(fcntl(fd, cmd, arg)); }
CALL call_mkfifo(const char *name) { done(mkfifo(name, 0600)); }
CALL call_mkdir(const char *name) { done(mkdir(name, 0700)); }
CALL call_rmdir(const char *name) { done(rmdir(name)); }
CALL call_unlink(const char *name) { done(unlink(name)); }
CALL call_link(const char *from, const char *to) { done(link(from, to)); }
CALL call_rename(const char *from, const char *to) { done(rename(from, to)); }
CALL call_memfd_create(const char *name, unsigned flags) { done(syscall(SYS_memfd_create, name, flags)); }

CALL call_read(int fd, size_t n) {
	void *p = room(n);
	done(read(fd, p, n));
	received(p, ret);
}

CALL call_eventfd_read(int fd) { call_read(fd, 8); }
CALL call_timerfd_read(int fd) { call_read(fd, 8); }
CALL call_signalfd_read(int fd) { call_read(fd, sizeof(struct signalfd_siginfo)); }
CALL call_eventfd_write(int fd, uint64_t n) { call_write(fd, &n, sizeof n); }

CALL call_setrlimit(int resource, uint64_t n) {
	struct rlimit limit = {0, 0};
	getrlimit(resource, &limit);
	limit.rlim_cur = n;
	done(setrlimit(resource, &limit));
}

/* The argument of most requests is a pointer to an int, and what they answer too. */
CALL call_ioctl(int fd, unsigned long request, int64_t arg) {
	int64_t value[8] = {arg};
	int number;
	switch (request) {
	case TCFLSH:
	case TCXONC:
	case TCSBRK:
	case 0x5441: /* TIOCGPTPEER */
		done(ioctl(fd, request, arg));
		return;
	}
	done(ioctl(fd, request, value));
	memcpy(&number, value, sizeof number);
	switch (request) {
	case 0x80088a02: /* EPIOCGPARAMS */
		if (ret == 0)
			ret = value[0];
		break;
	case FIONREAD:
	case TIOCOUTQ:
	case 0x8905: /* SIOCATMARK */
	case 0x894b: /* SIOCOUTQNSD */
		if (ret == 0)
			ret = number;
	}
}

OPTIONAL static void pair_is(int a, int b) {
	if (ret == 0 && (pair[0] != a || pair[1] != b))
		note("opened %d and %d, expected %d and %d", pair[0], pair[1], a, b);
}
