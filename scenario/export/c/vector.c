/* readv(2) and writev(2), whose buffers are one behind the other; pread(2) and pwrite(2). */

#define MAX_IOV 1024 /* UIO_MAXIOV: of more the kernel looks at none */

OPTIONAL static const struct iovec *vector(unsigned char *p, const int *sizes, int n) {
	OWN struct iovec iov[MAX_IOV];
	for (int i = 0; i < n && i < MAX_IOV; i++) {
		iov[i].iov_base = p;
		iov[i].iov_len = (size_t)sizes[i];
		p += sizes[i];
	}
	return iov;
}

CALL call_readv(int fd, const int *sizes, int n) {
	size_t total = 0;
	for (int i = 0; i < n; i++)
		total += (size_t)sizes[i];
	unsigned char *p = room(total);
	done(readv(fd, vector(p, sizes, n), n));
	received(p, ret);
}

CALL call_writev(int fd, const void *data, size_t size, const int *sizes, int n) {
	unsigned char *p = memcpy(room(size + 1), data, size);
	done(writev(fd, vector(p, sizes, n), n));
}

CALL call_pread(int fd, size_t n, long offset) {
	void *p = room(n);
	done(pread(fd, p, n, offset));
	received(p, ret);
}

CALL call_pwrite(int fd, const void *data, size_t n, long offset) { done(pwrite(fd, data, n, offset)); }
