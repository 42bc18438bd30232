/* Pseudo-terminals. */

CALL call_openpty(void) {
	int lock = 0;
	pair[0] = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	pair[1] = -1;
	done(pair[0]);
	if (ret == -1)
		return;
	done(ioctl(pair[0], 0x40045431 /* TIOCSPTLCK */, &lock));
	if (ret == 0)
		done(pair[1] = ioctl(pair[0], 0x5441 /* TIOCGPTPEER */, O_RDWR | O_NOCTTY));
	if (ret == -1)
		close(pair[0]);
	else
		ret = 0;
}

CALL call_tcsetraw(int fd) {
	struct termios t;
	done(tcgetattr(fd, &t));
	if (ret == -1)
		return;
	cfmakeraw(&t);
	done(tcsetattr(fd, TCSANOW, &t));
}
