/* SPDX-License-Identifier: ISC */
/*
 * fs - whole files or none, and no way out of a root.
 */
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "buf.h"
#include "fs.h"

static size_t
entries(const char *path)
{
	DIR *dir = opendir(path);
	size_t n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2;
}

static void
expect_content(const char *path, const char *expected)
{
	struct ha_buf buf = HA_BUF_INIT;
	struct ha_err err;

	assert_int_equal(ha_fs_read_file(path, 1000, &buf, &err), 0);
	assert_string_equal(buf.data, expected);
	ha_buf_release(&buf);
}

static void
replaces(void **state)
{
	struct ha_err err;
	struct stat st;

	(void)state;
	assert_int_equal(mkdir("d", 0755), 0);
	assert_int_equal(ha_fs_replace("d/f", "one", 3, 0640, &err), 0);
	expect_content("d/f", "one");
	assert_int_equal(ha_fs_replace("d/f", "two!", 4, 0600, &err), 0);
	expect_content("d/f", "two!");
	assert_int_equal(stat("d/f", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(entries("d"), 1);
	assert_int_equal(ha_fs_replace("here", "x", 1, 0600, &err), 0);
	expect_content("here", "x");
	assert_int_equal(
	    ha_fs_replace_volatile("d/f", "three", 5, 0644, &err), 0);
	expect_content("d/f", "three");
	assert_int_equal(stat("d/f", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(entries("d"), 1);
}

static void
replace_fails_cleanly(void **state)
{
	struct ha_err err;

	(void)state;
	assert_int_equal(ha_fs_replace("no/f", "x", 1, 0600, &err), -1);
	assert_int_equal(err.status, EX_CANTCREAT);
	assert_int_equal(mkdir("d", 0755) | mkdir("d/full", 0755), 0);
	assert_int_equal(mkdir("d/full/x", 0755), 0);
	assert_int_equal(ha_fs_replace("d/full", "x", 1, 0600, &err), -1);
	assert_int_equal(err.status, EX_CANTCREAT);
	assert_int_equal(
	    ha_fs_replace_volatile("d/full", "x", 1, 0600, &err), -1);
	assert_int_equal(err.status, EX_CANTCREAT);
	assert_int_equal(entries("d"), 1);
}

/* In a mount namespace of its own: a file system of two pages. */
static int
on_a_full_disk(void)
{
	static char data[65536];
	struct ha_err err;

	if (unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mkdir("small", 0755) ||
	    mount("tmpfs", "small", "tmpfs", 0, "size=8k"))
		return 77;
	if (ha_fs_replace("small/f", "old", 3, 0644, &err))
		return 1;
	if (!ha_fs_replace("small/f", data, sizeof(data), 0644, &err))
		return 2;
	if (err.status != EX_IOERR || !strstr(err.msg, "No space"))
		return 3;
	if (entries("small") != 1)
		return 4;
	expect_content("small/f", "old");
	return 0;
}

static void
a_full_disk_keeps_the_old(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(on_a_full_disk());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77 && !getenv("CI"))
		print_message("# no right to mount here: not tested\n");
	else
		assert_int_equal(WEXITSTATUS(status), 0);
}

static void
reads_with_a_limit(void **state)
{
	struct ha_buf buf = HA_BUF_INIT;
	struct ha_err err;

	(void)state;
	assert_int_equal(ha_fs_replace("f", "12345", 5, 0644, &err), 0);
	ha_buf_add_char(&buf, '>');
	assert_int_equal(ha_fs_read_file("f", 4, &buf, &err), -1);
	assert_int_equal(err.status, EX_DATAERR);
	assert_string_equal(buf.data, ">");
	assert_int_equal(ha_fs_read_file("f", 5, &buf, &err), 0);
	assert_string_equal(buf.data, ">12345");
	assert_int_equal(ha_fs_read_file("none", 5, &buf, &err), -1);
	assert_int_equal(err.status, EX_NOINPUT);
	assert_int_equal(ha_fs_read_file(".", 5, &buf, &err), -1);
	assert_int_equal(err.status, EX_IOERR);
	ha_buf_release(&buf);
}

static void
write_says_why(void **state)
{
	struct ha_err err;
	int fd = open("/dev/full", O_WRONLY);

	(void)state;
	assert_int_equal(ha_fs_write_all(fd, "x", 1, &err), -1);
	assert_int_equal(err.status, EX_IOERR);
	assert_int_equal(err.sys, ENOSPC);
	close(fd);
}

static void
expect_open(int root, const char *path, int flags, int sys)
{
	int fd = ha_fs_open_beneath(root, path, flags);

	if (!sys) {
		assert_true(fd >= 0);
		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		close(fd);
		return;
	}
	assert_int_equal(fd, -1);
	assert_int_equal(errno, sys);
}

static void
nothing_leads_out(void **state)
{
	struct ha_err err;
	struct stat st;
	int root;

	(void)state;
	assert_int_equal(mkdir("root", 0755) | mkdir("root/d", 0755), 0);
	assert_int_equal(ha_fs_replace("secret", "s", 1, 0644, &err), 0);
	assert_int_equal(ha_fs_replace("root/d/f", "f", 1, 0644, &err), 0);
	assert_int_equal(symlink("..", "root/up") | symlink("d", "root/l") |
			     symlink("f", "root/d/lf"),
	    0);
	root = open("root", O_RDONLY | O_DIRECTORY);
	expect_open(root, "d/f", O_RDONLY, 0);
	expect_open(root, ".", O_RDONLY | O_DIRECTORY, 0);
	expect_open(root, "d/lf", O_PATH | O_NOFOLLOW, 0);
	expect_open(root, "d/lf", O_RDONLY, ELOOP);
	expect_open(root, "l/f", O_RDONLY, ELOOP);
	expect_open(root, "up/secret", O_RDONLY, ELOOP);
	expect_open(root, "../secret", O_RDONLY, EXDEV);
	expect_open(root, "/etc/passwd", O_RDONLY, EXDEV);
	expect_open(root, "none", O_RDONLY, ENOENT);
	expect_open(root, "d/new", O_WRONLY | O_CREAT | O_EXCL, 0);
	assert_int_equal(ha_fs_lstat_beneath(root, "l", &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(ha_fs_lstat_beneath(root, "d/lf", &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(ha_fs_lstat_beneath(root, ".", &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(ha_fs_lstat_beneath(root, "l/f", &st), -1);
	assert_int_equal(errno, ELOOP);
	assert_int_equal(ha_fs_lstat_beneath(root, "d/f/x", &st), -1);
	assert_int_equal(errno, ENOTDIR);
	assert_int_equal(ha_fs_lstat_beneath(root, "..", &st), -1);
	close(root);
}

/* 200 folders of 255 bytes are twelve times PATH_MAX. */
static void
paths_of_any_length(void **state)
{
	struct ha_buf path = HA_BUF_INIT;
	char name[256];
	struct stat st;
	int root, at, next, i;

	(void)state;
	memset(name, 'n', 255);
	name[255] = '\0';
	root = open(".", O_RDONLY | O_DIRECTORY);
	at = dup(root);
	for (i = 0; i < 200; i++) {
		assert_int_equal(mkdirat(at, name, 0755), 0);
		next = openat(at, name, O_RDONLY | O_DIRECTORY);
		close(at);
		at = next;
		ha_buf_addf(&path, "%s/", name);
	}
	assert_int_equal(symlinkat("x", at, "link"), 0);
	close(at);
	ha_buf_add_str(&path, "link");
	assert_int_equal(ha_fs_lstat_beneath(root, path.data, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	expect_open(root, path.data, O_RDONLY, ELOOP);
	ha_buf_add_str(&path, "/y");
	expect_open(root, path.data, O_RDONLY, ELOOP);
	ha_buf_truncate(&path, path.len - 2 - 5);
	expect_open(root, path.data, O_RDONLY | O_DIRECTORY, 0);
	path.data[5 * 256 + 255] = 'n';
	expect_open(root, path.data, O_RDONLY, ENAMETOOLONG);
	ha_buf_reset(&path);
	for (i = 0; i < 5000; i++)
		ha_buf_add_char(&path, 'n');
	expect_open(root, path.data, O_RDONLY, ENAMETOOLONG);
	close(root);
	ha_buf_release(&path);
}

static void
inside(void **state)
{
	static const char *const good[] = { ".", "a", "a/b", "...", ".a/..b",
		"a b/\n" };
	static const char *const bad[] = { "", "/", "/a", "a/", "a//b", "..",
		"./a", "a/.", "a/./b", "../a", "a/..", "a/../b" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(ha_fs_path_is_inside(good[i]));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(ha_fs_path_is_inside(bad[i]));
}

static void
directories(void **state)
{
	const char *dir = NULL;
	struct ha_err err;

	(void)state;
	unsetenv("HA_TEST_DIR");
	assert_int_equal(ha_fs_dir("HA_TEST_DIR", "made", &dir, &err), 0);
	assert_string_equal(dir, "made");
	assert_int_equal(ha_fs_dir("HA_TEST_DIR", "made", &dir, &err), 0);
	setenv("HA_TEST_DIR", "no/where", 1);
	assert_int_equal(ha_fs_dir("HA_TEST_DIR", "made", &dir, &err), -1);
	assert_int_equal(err.status, EX_CANTCREAT);
	assert_non_null(strstr(err.msg, "HA_TEST_DIR"));
	assert_int_equal(ha_fs_replace("file", "", 0, 0644, &err), 0);
	setenv("HA_TEST_DIR", "file", 1);
	assert_int_equal(ha_fs_dir("HA_TEST_DIR", "made", &dir, &err), -1);
	assert_int_equal(err.sys, ENOTDIR);
}

/* For this process and for good; what comes after it goes by steps. */
static void
openat2_is_forbidden(void **state)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(*filter),
		filter };

	(void)state;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		skip();
	assert_int_equal(syscall(SYS_openat2, 0, "", NULL, 0), -1);
	assert_int_equal(errno, ENOSYS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test_in_folder(replaces),
		test_in_folder(replace_fails_cleanly),
		test_in_folder(a_full_disk_keeps_the_old),
		test_in_folder(reads_with_a_limit),
		cmocka_unit_test(write_says_why),
		test_in_folder(nothing_leads_out),
		test_in_folder(paths_of_any_length),
		cmocka_unit_test(inside),
		test_in_folder(directories),
		cmocka_unit_test(openat2_is_forbidden),
		test_in_folder(nothing_leads_out),
		test_in_folder(paths_of_any_length),
	};

	return cmocka_run_group_tests_name("fs", tests, NULL, NULL);
}
