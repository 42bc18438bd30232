/* inotify(7). */

struct wanted {
	int wd;
	uint32_t mask;
	int cookie; /* counted from 1 in the order in which they come */
	const char *name;
};

static uint32_t cookies[64];

CALL call_inotify_init1(int flags) { done(inotify_init1(flags)); }
CALL call_inotify_add_watch(int fd, const char *name, uint32_t mask) { done(inotify_add_watch(fd, name, mask)); }
CALL call_inotify_rm_watch(int fd, int wd) { done(inotify_rm_watch(fd, wd)); }
CALL call_inotify_read(int fd, size_t n) { call_read(fd, n); }

static int cookie_number(uint32_t cookie) {
	int n = 0;
	if (cookie == 0)
		return 0;
	while (n < 63 && cookies[n] != 0 && cookies[n] != cookie)
		n++;
	cookies[n] = cookie;
	return n + 1;
}

OPTIONAL static void inotify_is(const struct wanted *want, int n) {
	size_t at = 0;
	int i = 0;
	if (ret == -1)
		return;
	for (; at + sizeof(struct inotify_event) <= got_size; i++) {
		struct inotify_event e;
		memcpy(&e, got + at, sizeof e);
		const char *name = e.len > 0 ? (const char *)got + at + sizeof e : "";
		int cookie = cookie_number(e.cookie);
		if (i < n && (e.wd != want[i].wd || e.mask != want[i].mask || cookie != want[i].cookie || strcmp(name, want[i].name) != 0))
			note("event %d: watch %d, mask 0x%x, cookie %d, \"%s\"; expected %d, 0x%x, %d, \"%s\"", i, e.wd, e.mask, cookie, name, want[i].wd,
				want[i].mask, want[i].cookie, want[i].name);
		at += sizeof e + e.len;
	}
	if (i != n)
		note("%d events came, expected %d", i, n);
}
