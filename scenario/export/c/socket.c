/* Sockets of AF_UNIX and of the loopback. */

struct address {
	enum { NONE, UNIX, INET, GIVEN /* INET with a port that the kernel chose */ } kind;
	const char *text;
	int port;
};

OWN struct sockaddr_storage from; /* what the last call stored */
OWN socklen_t from_size;
OWN int from_type; /* of the socket that was asked */

/* Ports that the kernel chose: the one of the model, and ours. TCP and UDP number theirs apart. */
static struct { int type, model, ours; } given[1024];
static size_t given_size;

OPTIONAL static struct address no_address(void) { return (struct address){NONE, NULL, 0}; }
OPTIONAL static struct address unix_address(const char *name) { return (struct address){UNIX, name, 0}; }
OPTIONAL static struct address inet_address(const char *ip, int port) { return (struct address){INET, ip, port}; }
OPTIONAL static struct address given_address(const char *ip, int port) { return (struct address){GIVEN, ip, port}; }

static int socket_type(int fd) {
	int type = 0;
	socklen_t n = sizeof type;
	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 ? type : 0;
}

/* given_port returns the port that stands for one that the model's kernel chose for a socket of a type, or that one. */
static int given_port(int type, int model) {
	for (size_t i = 0; i < given_size; i++)
		if (given[i].type == type && given[i].model == model)
			return given[i].ours;
	return model;
}

static void remember_port(int type, int model, int ours) {
	for (size_t i = 0; i < given_size; i++)
		if (given[i].type == type && given[i].model == model)
			return;
	if (given_size == sizeof given / sizeof given[0]) {
		fprintf(report, "Bail out! more than %zu ports\n", given_size);
		exit(1);
	}
	given[given_size].type = type;
	given[given_size].model = model;
	given[given_size++].ours = ours;
}

/* put stores a as the kernel takes it for a socket of a type. Abstract names get the name of the private directory in
   front, since all programs share them. */
static socklen_t put(int type, struct address a, struct sockaddr_storage *to) {
	struct sockaddr_un *un = (void *)to;
	struct sockaddr_in *in = (void *)to;
	struct sockaddr_in6 *in6 = (void *)to;
	memset(to, 0, sizeof *to);
	if (a.kind == NONE) {
		to->ss_family = AF_UNSPEC;
		return sizeof to->ss_family;
	}
	if (a.kind == UNIX) {
		un->sun_family = AF_UNIX;
		if (a.text[0] == 0)
			return offsetof(struct sockaddr_un, sun_path);
		if (a.text[0] != '@') { /* too long a name stays too long */
			char *path = (char *)to + offsetof(struct sockaddr_un, sun_path);
			size_t n = strlen(a.text), most = sizeof *to - offsetof(struct sockaddr_un, sun_path) - 1;
			n = n < most ? n : most;
			memcpy(path, a.text, n);
			return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (n != sizeof un->sun_path));
		}
		const char *base = strrchr(directory, '/') + 1;
		int n = snprintf(un->sun_path + 1, sizeof un->sun_path - 1, "%.14s/%s", base, a.text + 1);
		return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
	}
	if (a.kind == GIVEN)
		a.port = given_port(type, a.port);
	if (strchr(a.text, ':') != NULL) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)a.port);
		inet_pton(AF_INET6, a.text, &in6->sin6_addr);
		return sizeof *in6;
	}
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)a.port);
	inet_pton(AF_INET, a.text, &in->sin_addr);
	return sizeof *in;
}

CALL call_socket(int domain, int type, int proto) { done(socket(domain, type, proto)); }
CALL call_socketpair(int domain, int type, int proto) { done(socketpair(domain, type, proto, pair)); }
CALL call_listen(int fd, int backlog) { done(listen(fd, backlog)); }
CALL call_accept(int fd) { done(accept(fd, NULL, NULL)); }
CALL call_accept4(int fd, int flags) { done(accept4(fd, NULL, NULL, flags)); }
CALL call_shutdown(int fd, int how) { done(shutdown(fd, how)); }
CALL call_send(int fd, const void *data, size_t n, int flags) { done(send(fd, data, n, flags)); }

CALL call_bind(int fd, struct address a) {
	struct sockaddr_storage to;
	socklen_t n = put(socket_type(fd), a, &to);
	done(bind(fd, (void *)&to, n));
}

CALL call_connect(int fd, struct address a) {
	struct sockaddr_storage to;
	socklen_t n = put(socket_type(fd), a, &to);
	done(connect(fd, (void *)&to, n));
}

CALL call_sendto(int fd, const void *data, size_t n, struct address a, int flags) {
	struct sockaddr_storage to;
	socklen_t size = put(socket_type(fd), a, &to);
	done(sendto(fd, data, n, flags, a.kind == NONE ? NULL : (void *)&to, a.kind == NONE ? 0 : size));
}

static void clear_from(int fd) {
	memset(&from, 0, sizeof from);
	from_size = sizeof from;
	from_type = socket_type(fd);
}

CALL call_getsockname(int fd) {
	clear_from(fd);
	done(getsockname(fd, (void *)&from, &from_size));
}

CALL call_getpeername(int fd) {
	clear_from(fd);
	done(getpeername(fd, (void *)&from, &from_size));
}

/* With MSG_TRUNC a call returns more than fits. */
CALL call_recv(int fd, size_t n, int flags) {
	void *p = room(n);
	if (flags & MSG_TRUNC) /* TCP counts and stores nothing */
		memset(p, 0, n);
	done(recv(fd, p, n, flags));
	received(p, ret > (long)n ? (long)n : ret);
}

CALL call_recvfrom(int fd, size_t n, int flags) {
	void *p = room(n);
	clear_from(fd);
	done(recvfrom(fd, p, n, flags, (void *)&from, &from_size));
	received(p, ret > (long)n ? (long)n : ret);
}

OPTIONAL static void address_is(struct address want) {
	struct sockaddr_storage to;
	if (ret == -1)
		return;
	socklen_t n = put(from_type, want, &to);
	if (want.kind == UNIX && want.text[0] == 0) {
		if (from_size > n)
			note("an address of %u bytes, expected none", (unsigned)from_size);
		return;
	}
	if (from_size != n || memcmp(&from, &to, n) != 0)
		note("the address is not %s", want.text);
}

/* address_is_given: the kernel chose the port, which is remembered as that of the model. */
OPTIONAL static void address_is_given(const char *ip, int model) {
	if (ret == -1)
		return;
	int port = ntohs(from.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)(void *)&from)->sin6_port : ((struct sockaddr_in *)(void *)&from)->sin_port);
	remember_port(from_type, model, port);
	address_is(given_address(ip, model));
}

static socklen_t option_size(int level, int opt, int two) {
	if (level == SOL_SOCKET && (opt == SO_RCVTIMEO || opt == SO_SNDTIMEO) && two)
		return sizeof(struct timeval);
	return two ? 2 * sizeof(int) : sizeof(int);
}

CALL call_setsockopt(int fd, int level, int opt, int a, int b, int two) {
	struct timeval t = {a, b};
	int value[2] = {a, b};
	socklen_t n = option_size(level, opt, two);
	done(setsockopt(fd, level, opt, n == sizeof t ? (void *)&t : (void *)value, n));
}

CALL call_getsockopt(int fd, int level, int opt) {
	int value = 0;
	socklen_t n = sizeof value;
	done(getsockopt(fd, level, opt, &value, &n));
	if (ret == 0)
		ret = value;
}

#define MOST_RIGHTS 253
OWN int rights[MOST_RIGHTS], rights_size;

static void rights_message(struct msghdr *msg, struct iovec *iov, void *control, size_t n) {
	memset(msg, 0, sizeof *msg);
	msg->msg_iov = iov;
	msg->msg_iovlen = 1;
	msg->msg_control = control;
	msg->msg_controllen = n;
}

CALL call_send_fds(int fd, const void *data, size_t n, const int *fds, int count, int flags) {
	union {
		char bytes[CMSG_SPACE(sizeof(int) * (MOST_RIGHTS + 3))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {(void *)(uintptr_t)data, n};
	struct msghdr msg;
	memset(&control, 0, sizeof control);
	rights_message(&msg, &iov, control.bytes, count > 0 ? CMSG_SPACE(sizeof(int) * (size_t)count) : 0);
	if (count > 0) {
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)count);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * (size_t)count);
	}
	done(sendmsg(fd, &msg, flags));
}

CALL call_recv_fds(int fd, size_t n, int flags) {
	union {
		char bytes[CMSG_SPACE(sizeof rights)];
		struct cmsghdr align;
	} control;
	void *p = room(n);
	struct iovec iov = {p, n};
	struct msghdr msg;
	rights_message(&msg, &iov, control.bytes, sizeof control.bytes);
	rights_size = 0;
	done(recvmsg(fd, &msg, flags));
	received(p, ret > (long)n ? (long)n : ret);
	if (ret == -1)
		return;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c != NULL; c = CMSG_NXTHDR(&msg, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
			rights_size = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
			memcpy(rights, CMSG_DATA(c), sizeof(int) * (size_t)rights_size);
		}
}

OPTIONAL static void rights_are(const int *want, int n) { numbers_are("descriptors came", rights, rights_size, want, n); }
