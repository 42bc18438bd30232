/* epoll_create(2), epoll_ctl(2), epoll_wait(2). */

OWN struct epoll_event *events;

CALL call_epoll_create(int size) { done(epoll_create(size)); }
CALL call_epoll_create1(int flags) { done(epoll_create1(flags)); }

CALL call_epoll_ctl(int epfd, int op, int fd, uint32_t mask, uint64_t data) {
	struct epoll_event event = {.events = mask};
	event.data.u64 = data;
	done(epoll_ctl(epfd, op, fd, &event));
}

CALL call_epoll_ctl_null(int epfd, int op, int fd) { done(epoll_ctl(epfd, op, fd, NULL)); }

static void take_events(int maxevents) {
	events = room((maxevents < 1 ? 1 : maxevents > 1 << 20 ? 1 << 20 : (size_t)maxevents) * sizeof *events);
}

CALL call_epoll_wait(int epfd, int maxevents, int timeout) {
	take_events(maxevents);
	done(epoll_wait(epfd, events, maxevents, timeout));
}

CALL call_epoll_pwait(int epfd, int maxevents, int timeout, const sigset_t *mask) {
	take_events(maxevents);
	done(epoll_pwait(epfd, events, maxevents, timeout, mask));
}

/* By its number: not every libc has it. The kernel's sigset has 8 bytes. */
CALL call_epoll_pwait2(int epfd, int maxevents, const struct timespec *timeout, const sigset_t *mask) {
	take_events(maxevents);
	done(syscall(441, epfd, events, maxevents, timeout, mask, (size_t)8));
}

OPTIONAL static void event_is(int i, uint32_t mask, uint64_t data) {
	if (ret <= i)
		return;
	if (events[i].events != mask || events[i].data.u64 != data)
		note("event %d: 0x%x, data %" PRIu64 "; expected 0x%x, data %" PRIu64, i, events[i].events, (uint64_t)events[i].data.u64, mask, data);
}
