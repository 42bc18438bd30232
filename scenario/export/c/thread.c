/* Threads. Number 0 is the first; the others are what a table of the case says. */

static pthread_t threads[64];
static char joined[64];
static int spawned; /* the highest number of a thread that was started */
static void (*const *bodies)(void);

static void *body(void *number) {
	thread_ids[(intptr_t)number] = (int)syscall(SYS_gettid);
	started[(intptr_t)number] = 1;
	bodies[(intptr_t)number]();
	return NULL;
}

CALL call_spawn(int thread) {
	int e = pthread_create(&threads[thread], NULL, body, (void *)(intptr_t)thread);
	while (e == 0 && !started[thread])
		sched_yield();
	spawned = e == 0 && thread > spawned ? thread : spawned;
	errno = e;
	done(e == 0 ? 0 : -1);
}

CALL call_join(int thread) {
	int e = pthread_join(threads[thread], NULL);
	joined[thread] = 1;
	errno = e;
	done(e == 0 ? 0 : -1);
}

/* join_all waits for the threads that nobody has joined: a scenario ends with the last of them. */
OPTIONAL static void join_all(void) {
	for (int i = 1; i <= spawned; i++)
		if (!joined[i])
			pthread_join(threads[i], NULL);
}
