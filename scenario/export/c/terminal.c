/* Descriptors 0 to 2 of a scenario: one terminal on which nobody types. What is written to it is read and thrown away by
   another process, in pieces, so that who watches it sees no more edges than need be. */

static int open_terminal(int *master) {
	int lock = 0, number = 0;
	char name[32];
	*master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	if (*master == -1 || ioctl(*master, 0x40045431 /* TIOCSPTLCK */, &lock) == -1 || ioctl(*master, 0x80045430 /* TIOCGPTN */, &number) == -1)
		return -1;
	snprintf(name, sizeof name, "/dev/pts/%d", number);
	return open(name, O_RDWR | O_NOCTTY);
}

/* drain reads a master until its other end is gone. */
static void drain(int master) {
	static char bytes[4096];
	int waiting = 0;
	struct pollfd p = {master, POLLIN, 0};
	while (poll(&p, 1, -1) == 1 && p.revents == POLLIN)
		if (ioctl(master, FIONREAD, &waiting) == 0 && waiting < 2048)
			usleep(1000);
		else if (read(master, bytes, sizeof bytes) <= 0)
			break;
	_exit(0);
}

/* terminal makes 0, 1 and 2 a terminal. The report goes on where it went, by a number that no call meets. */
static void terminal(void) {
	int master, slave = open_terminal(&master), copy = fcntl(1, F_DUPFD_CLOEXEC, 1024);
	if (slave == -1 || copy == -1 || (report = fdopen(copy, "w")) == NULL) {
		fprintf(stdout, "Bail out! a terminal: %s\n", strerror(errno));
		exit(1);
	}
	pid_t reader = fork();
	if (reader == 0) {
		for (int fd = 0; fd <= copy; fd++)
			if (fd != master)
				close(fd);
		drain(master);
	}
	for (int fd = 0; fd < 3; fd++)
		dup2(slave, fd);
	close(master);
	close(slave);
}
