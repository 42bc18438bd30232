/* What every program has: the report in KTAP, the process as a scenario finds it, the private directory. */

#define OPTIONAL __attribute__((unused))
/* Kept apart, so that the compiler does not judge wrong arguments, which are the point of some cases. */
#define CALL static __attribute__((noinline, unused)) void
/* Each thread has its own. */
#define OWN static __thread

static FILE *report;        /* the KTAP goes there */
static char directory[4096];
static int number;          /* of the last call */
static int bad;             /* calls that went wrong */
OWN long ret;               /* of the last call */
OWN int err;                /* its errno, 0 if it did not fail */
OWN const char *running;    /* the call under way */
OWN char wrong[4096];       /* what the last call did not meet */
OWN volatile sig_atomic_t handled[64], handled_size; /* signals whose handler has run in the last call */

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void note(const char *format, ...) {
	va_list list;
	size_t n = strlen(wrong);
	va_start(list, format);
	snprintf(wrong + n, sizeof wrong - n, "# ");
	n = strlen(wrong);
	vsnprintf(wrong + n, sizeof wrong - n, format, list);
	n = strlen(wrong);
	snprintf(wrong + n, sizeof wrong - n, "\n");
	va_end(list);
}

static void begin(const char *text) {
	running = text;
	wrong[0] = 0;
}

/* handled_are takes the signals that were to be handled, in order. */
OPTIONAL static void handled_are(const int *want, int n) {
	for (int i = 0; i < n && i < handled_size; i++)
		if (handled[i] != want[i])
			note("signal %d was handled, expected %d", (int)handled[i], want[i]);
	if (handled_size != n)
		note("%d signals were handled, expected %d", (int)handled_size, n);
	handled_size = 0;
}

static void end(void) {
	if (handled_size != 0)
		handled_are(NULL, 0);
	flockfile(report);
	fprintf(report, "%s%s %d - %s\n", wrong, wrong[0] ? "not ok" : "ok", ++number, running);
	bad += wrong[0] != 0;
	funlockfile(report);
}

/* done takes what a call returned, and errno before anything else changes it. */
OPTIONAL static void done(long n) {
	err = n == -1 ? errno : 0;
	ret = n;
}

OPTIONAL static void returned(long want) {
	if (ret == -1 && err != 0 && want != -1)
		note("failed with errno %d (%s), expected %ld", err, strerror(err), want);
	else if (ret != want)
		note("returned %ld, expected %ld", ret, want);
}

/* succeeded is for what a call returns that is its own: a process id, a time. */
OPTIONAL static void succeeded(void) {
	if (ret == -1 && err != 0)
		note("failed with errno %d (%s)", err, strerror(err));
}

OPTIONAL static void failed(int want, const char *name) {
	if (ret != -1)
		note("returned %ld, expected errno %d (%s)", ret, want, name);
	else if (err != want)
		note("failed with errno %d (%s), expected %d (%s)", err, strerror(err), want, name);
}

/* room returns memory for n bytes. It stays until the next call of room. */
OPTIONAL static void *room(size_t n) {
	OWN unsigned char *memory;
	OWN size_t have;
	if (n > have || memory == NULL) {
		free(memory);
		memory = calloc(1, have = n < 4096 ? 4096 : n);
		if (memory == NULL) {
			fprintf(report, "Bail out! no memory for %zu bytes\n", n);
			exit(1);
		}
	}
	return memory;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *at) {
	(void)info, (void)type, (void)at;
	return remove(path);
}

static void remove_directory(void) {
	if (directory[0] != 0 && chdir("/") == 0)
		nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void too_long(int sig) {
	(void)sig;
	static const char text[] = "Bail out! a call does not return: the one behind the last line\n";
	_exit(write(fileno(report), text, sizeof text - 1) == 0 ? 1 : 1);
}

/* limit_files lets the process have n descriptors, as far as that is allowed. */
static void limit_files(rlim_t n) {
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max < n ? limit.rlim_max : n;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* start makes the process what a scenario finds: 0, 1 and 2 open, terminal() called if they are looked at, the first
   free number 3, all signals at their default, a soft limit of 1024 descriptors, an empty directory. */
static void start(int calls, unsigned seconds, void (*terminal)(void)) {
	report = stdout;
	fprintf(report, "KTAP version 1\n1..%d\n", calls);
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
			exit(1);
	for (int fd = 3; fd < 4096; fd++)
		close(fd);
	if (terminal != NULL) {
		limit_files(2048);
		fflush(stdout);
		terminal();
	}
	setvbuf(report, NULL, _IOLBF, 0);
	limit_files(1024);
	const char *tmp = getenv("TMPDIR");
	snprintf(directory, sizeof directory, "%s/epollsim-XXXXXX", tmp != NULL && tmp[0] == '/' ? tmp : "/tmp");
	if (mkdtemp(directory) == NULL || chdir(directory) < 0) {
		fprintf(report, "Bail out! a private directory %s: %s\n", directory, strerror(errno));
		exit(1);
	}
	signal(SIGALRM, too_long);
	alarm(seconds);
}

static int finish(void) {
	limit_files(1024);
	remove_directory();
	fprintf(report, "# %d calls, %d not as expected\n", number, bad);
	return bad != 0;
}
