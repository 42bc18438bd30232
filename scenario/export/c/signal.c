/* Signals, signalfds, process ids. */

static int thread_ids[64];
static volatile char started[64];

OPTIONAL static const sigset_t *signals(const int *list, int n) {
	OWN sigset_t set;
	sigemptyset(&set);
	for (int i = 0; i < n; i++)
		sigaddset(&set, list[i]);
	return &set;
}

CALL call_signalfd(const sigset_t *set, int flags, int fd) { done(signalfd(fd, set, flags)); }
CALL call_kill_self(int sig) { done(kill(getpid(), sig)); }
CALL call_kill_thread(int thread, int sig) { done(syscall(SYS_tgkill, getpid(), thread_ids[thread], sig)); }
CALL call_sigprocmask(int how, const sigset_t *set) { done(sigprocmask(how, set, NULL)); }
CALL call_getpid(void) { done(getpid()); }
CALL call_sched_yield(void) { done(sched_yield()); }
CALL call_pidfd_open_self(unsigned flags) { done(syscall(434, getpid(), flags)); }

OPTIONAL static void handler(int sig) {
	if (handled_size < (int)(sizeof handled / sizeof handled[0]))
		handled[handled_size++] = sig;
}

CALL call_signal_flags(int sig, void (*action)(int), int flags) {
	struct sigaction act;
	memset(&act, 0, sizeof act);
	act.sa_handler = action;
	act.sa_flags = flags;
	done(sigaction(sig, &act, NULL));
}

CALL call_signal(int sig, void (*action)(int)) { call_signal_flags(sig, action, 0); }

OPTIONAL static void signal_is(int want) {
	struct signalfd_siginfo info;
	if (ret != sizeof info)
		return;
	memcpy(&info, got, sizeof info);
	if ((int)info.ssi_signo != want)
		note("signal %u, expected %d", info.ssi_signo, want);
}
