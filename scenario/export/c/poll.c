/* poll(2), select(2) and the kin that take a signal mask. */

OWN struct pollfd *polled;
OWN int polled_size;
OWN fd_set sets[3];

static void take_pollfds(const struct pollfd *fds, int n) {
	polled = memcpy(room((size_t)(n + 1) * sizeof *fds), fds, (size_t)n * sizeof *fds);
	polled_size = n;
}

CALL call_poll(const struct pollfd *fds, int n, int timeout) {
	take_pollfds(fds, n);
	done(poll(polled, (nfds_t)n, timeout));
}

CALL call_ppoll(const struct pollfd *fds, int n, const struct timespec *timeout, const sigset_t *mask) {
	take_pollfds(fds, n);
	done(ppoll(polled, (nfds_t)n, timeout, mask));
}

/* revents_are: want has those that are ready, in the order of the call. */
OPTIONAL static void revents_are(const struct pollfd *want, int n) {
	int at = 0;
	for (int i = 0; ret > 0 && i < polled_size; i++) {
		if (polled[i].revents == 0)
			continue;
		if (at < n && (polled[i].fd != want[at].fd || polled[i].revents != want[at].revents))
			note("fd %d: revents 0x%x; expected fd %d: 0x%x", polled[i].fd, (unsigned)polled[i].revents, want[at].fd, (unsigned)want[at].revents);
		at++;
	}
	if (ret != -1 && at != n)
		note("%d are ready, expected %d", at, n);
}

/* set fills one of the sets; fds NULL leaves it out. */
OPTIONAL static fd_set *set(int which, const int *fds, int n, int *highest) {
	if (fds == NULL)
		return NULL;
	FD_ZERO(&sets[which]);
	for (int i = 0; i < n; i++) {
		FD_SET(fds[i], &sets[which]);
		if (fds[i] >= *highest)
			*highest = fds[i] + 1;
	}
	return &sets[which];
}

CALL call_select(const int *r, int nr, const int *w, int nw, const int *x, int nx, int timeout) {
	int n = 0;
	memset(sets, 0, sizeof sets);
	fd_set *in = set(0, r, nr, &n), *out = set(1, w, nw, &n), *ex = set(2, x, nx, &n);
	struct timeval left = {timeout / 1000, timeout % 1000 * 1000};
	done(select(n, in, out, ex, timeout < 0 ? NULL : &left));
}

/* call_select_timeval: libraries refuse some timevals, and make others of them, before the kernel sees any. */
CALL call_select_timeval(const int *r, int nr, const int *w, int nw, const int *x, int nx, long seconds, long microseconds) {
	int n = 0;
	memset(sets, 0, sizeof sets);
	fd_set *in = set(0, r, nr, &n), *out = set(1, w, nw, &n), *ex = set(2, x, nx, &n);
	struct timeval left = {seconds, microseconds};
#ifdef SYS_select
	done(syscall(SYS_select, n, in, out, ex, &left));
#else
	done(select(n, in, out, ex, &left));
#endif
}

CALL call_pselect(const int *r, int nr, const int *w, int nw, const int *x, int nx, const struct timespec *timeout, const sigset_t *mask) {
	int n = 0;
	memset(sets, 0, sizeof sets);
	fd_set *in = set(0, r, nr, &n), *out = set(1, w, nw, &n), *ex = set(2, x, nx, &n);
	done(pselect(n, in, out, ex, timeout, mask));
}

OPTIONAL static void set_is(int which, const int *want, int n) {
	int have[FD_SETSIZE], size = 0;
	for (int fd = 0; fd < FD_SETSIZE; fd++)
		if (FD_ISSET(fd, &sets[which]))
			have[size++] = fd;
	numbers_are("fds ready", have, size, want, n);
}
