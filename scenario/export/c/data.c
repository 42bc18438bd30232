/* Bytes: what is written, and what was read. */

OWN const unsigned char *got; /* by the last call that reads */
OWN size_t got_size;

/* repeated returns the n bytes of text, times over. */
OPTIONAL static const void *repeated(const char *text, size_t n, size_t times) {
	OWN unsigned char *memory;
	free(memory);
	memory = malloc(n * times + 1);
	if (memory == NULL) {
		fprintf(report, "Bail out! no memory\n");
		exit(1);
	}
	memcpy(memory, text, n * (times != 0));
	for (size_t have = n; have < n * times; have *= 2) /* other threads are waiting for it */
		memcpy(memory + have, memory, have < n * times - have ? have : n * times - have);
	return memory;
}

OPTIONAL static void received(const void *p, long n) {
	got = p;
	got_size = n < 0 ? 0 : (size_t)n;
}

OPTIONAL static void data_is(const void *want, size_t n) {
	if (ret == -1)
		return;
	if (got_size != n)
		note("%zu bytes came, expected %zu", got_size, n);
	else if (memcmp(got, want, n) != 0)
		note("the %zu bytes that came are not those expected", n);
}

OPTIONAL static void value_is(uint64_t want) {
	uint64_t value = 0;
	if (ret == -1)
		return;
	memcpy(&value, got, got_size < 8 ? got_size : 8);
	if (value != want)
		note("the value is %" PRIu64 ", expected %" PRIu64, value, want);
}

OPTIONAL static void numbers_are(const char *what, const int *have, int n, const int *want, int wanted) {
	if (ret == -1)
		return;
	if (n != wanted)
		note("%d %s, expected %d", n, what, wanted);
	for (int i = 0; i < n && i < wanted; i++)
		if (have[i] != want[i])
			note("%s: number %d is %d, expected %d", what, i, have[i], want[i]);
}
