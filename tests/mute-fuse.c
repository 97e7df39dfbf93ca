/* SPDX-License-Identifier: ISC */
/*
 * mute-fuse - mount a file system that never answers, as a dead file server.
 *
 * usage: mute-fuse [-k] DIR
 *
 * It takes every question and answers none, so that who asks can't even be
 * killed; with -k it takes none, so that a signal ends the wait, as with NFS of
 * today.  From SIGUSR1 on it answers what was asked and what will be (an empty
 * directory).  It runs until it is ended, which ends all waits with ENOTCONN;
 * the mount is left for umount(8).  Source: linux/fuse.h, fuse(4).
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define PENDING 256

static volatile sig_atomic_t speaks;
static struct fuse_in_header pending[PENDING];
static size_t count;

static void
speak(int signal)
{
	(void)signal;
	speaks = 1;
}

static void
reply(int fd, const struct fuse_in_header *in, int error, const void *data,
    size_t len)
{
	char message[sizeof(struct fuse_out_header) + 256];
	struct fuse_out_header out = { .error = -error, .unique = in->unique };

	out.len = (unsigned)(sizeof(out) + len);
	memcpy(message, &out, sizeof(out));
	if (len)
		memcpy(message + sizeof(out), data, len);
	/* Who asked may have gone away. */
	if (write(fd, message, out.len) < 0 && errno != ENOENT)
		err(1, "write");
}

static void
answer(int fd, const struct fuse_in_header *in)
{
	struct fuse_init_out init = { .major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.max_write = 65536,
		.max_background = 1 };
	struct fuse_attr_out attr = { .attr = { .ino = FUSE_ROOT_ID,
					  .mode = S_IFDIR | 0755,
					  .nlink = 2 } };
	struct fuse_statfs_out statfs = { .st = { .blocks = 1000,
					      .bfree = 500,
					      .bavail = 500,
					      .bsize = 4096,
					      .namelen = 255,
					      .frsize = 4096 } };

	switch (in->opcode) {
	case FUSE_INIT:
		reply(fd, in, 0, &init, sizeof(init));
		break;
	case FUSE_GETATTR:
		reply(fd, in, 0, &attr, sizeof(attr));
		break;
	case FUSE_STATFS:
		reply(fd, in, 0, &statfs, sizeof(statfs));
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	case FUSE_READDIR:
	case FUSE_READDIRPLUS:
		reply(fd, in, 0, NULL, 0);
		break;
	case FUSE_LOOKUP:
		reply(fd, in, ENOENT, NULL, 0);
		break;
	default:
		reply(fd, in, ENOSYS, NULL, 0);
	}
}

static void
hear(int fd)
{
	union {
		struct fuse_in_header header;
		char bytes[FUSE_MIN_READ_BUFFER + 65536];
	} in;

	if (read(fd, &in, sizeof(in)) < 0) {
		if (errno == ENODEV)
			errx(0, "unmounted");
		if (errno != EINTR && errno != ENOENT)
			err(1, "read");
		return;
	}
	if (speaks || in.header.opcode == FUSE_INIT)
		answer(fd, &in.header);
	else if (count < PENDING)
		pending[count++] = in.header;
}

int
main(int argc, char **argv)
{
	int is_deaf = argc == 3 && !strcmp(argv[1], "-k");
	const char *dir = argv[argc - 1];
	struct sigaction action = { .sa_handler = speak };
	struct pollfd pfd = { .events = POLLIN };
	char options[128];
	sigset_t usr1, old;
	size_t i;
	int fd;

	if (argc != 2 + is_deaf)
		errx(2, "usage: mute-fuse [-k] DIR");
	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		err(1, "/dev/fuse");
	snprintf(options, sizeof(options),
	    "fd=%d,rootmode=40755,user_id=%u,group_id=%u", fd,
	    (unsigned)getuid(), (unsigned)getgid());
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, &old);
	sigaction(SIGUSR1, &action, NULL);
	if (mount("mute", dir, "fuse.mute", MS_NOSUID | MS_NODEV, options))
		err(1, "mount '%s'", dir);
	pfd.fd = fd;
	for (;;) {
		if (is_deaf && !speaks)
			sigsuspend(&old);
		else if (ppoll(&pfd, 1, NULL, &old) > 0)
			hear(fd);
		for (i = 0; speaks && i < count; i++)
			answer(fd, &pending[i]);
		count = speaks ? 0 : count;
	}
}
