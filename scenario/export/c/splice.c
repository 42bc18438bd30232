/* sendfile(2), splice(2), tee(2). An offset may be none. */

OPTIONAL static off_t *place(long offset) {
	OWN off_t places[2];
	OWN int next;
	next = !next;
	places[next] = offset;
	return &places[next];
}

CALL call_sendfile(int out, int in, off_t *offset, size_t count) { done(sendfile(out, in, offset, count)); }

CALL call_splice(int in, off_t *in_offset, int out, off_t *out_offset, size_t size, unsigned flags) {
	done(syscall(SYS_splice, in, in_offset, out, out_offset, size, flags));
}

CALL call_tee(int in, int out, size_t size, unsigned flags) { done(syscall(SYS_tee, in, out, size, flags)); }
