/* Timers and clocks. */

OWN struct itimerspec timer;

OPTIONAL static const struct timespec *ns(int64_t n) {
	OWN struct timespec t;
	t.tv_sec = n / 1000000000;
	t.tv_nsec = n % 1000000000;
	return &t;
}

CALL call_timerfd_create(int clock, int flags) { done(timerfd_create(clock, flags)); }

CALL call_timerfd_settime(int fd, int flags, int64_t value, int64_t interval) {
	struct itimerspec spec;
	spec.it_value = *ns(value);
	spec.it_interval = *ns(interval);
	done(timerfd_settime(fd, flags, &spec, NULL));
}

/* from_now: value lies between the time of the clock at which the call is made and that at which the timer expires. A
   time before the first of a clock is its first. */
CALL call_timerfd_settime_from_now(int fd, int flags, int64_t value, int64_t interval, int clock) {
	struct timespec now;
	clock_gettime(clock, &now);
	if (__builtin_add_overflow(value, (int64_t)now.tv_sec * 1000000000 + now.tv_nsec, &value))
		value = INT64_MAX;
	call_timerfd_settime(fd, flags, value < 1 ? 1 : value, interval);
}

CALL call_timerfd_gettime(int fd) { done(timerfd_gettime(fd, &timer)); }

/* timer_is: how much time is left is the run's own. */
OPTIONAL static void timer_is(int running, int64_t interval) {
	int64_t have = (int64_t)timer.it_interval.tv_sec * 1000000000 + timer.it_interval.tv_nsec;
	int runs = timer.it_value.tv_sec != 0 || timer.it_value.tv_nsec != 0;
	if (ret != 0)
		return;
	if (runs != running)
		note("the timer %s, expected that it %s", runs ? "runs" : "stands", running ? "runs" : "stands");
	if (have != interval)
		note("an interval of %" PRId64 " ns, expected %" PRId64, have, interval);
}

CALL call_sleep(int64_t duration) { done(nanosleep(ns(duration), NULL)); }

CALL call_clock_gettime(int clock) {
	struct timespec now;
	done(clock_gettime(clock, &now));
}

CALL call_now(void) { call_clock_gettime(CLOCK_MONOTONIC); }
