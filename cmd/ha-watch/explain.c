/* SPDX-License-Identifier: ISC */
/*
 * explain - follows a path from the root as a walk would, and says where and
 * why the walk stops.
 */
#include "explain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "change.h"
#include "fs.h"
#include "in.h"
#include "mounts.h"
#include "out.h"
#include "rec.h"

static void __attribute__((format(printf, 1, 2))) print(const char *fmt, ...)
{
	struct ha_buf raw = HA_BUF_INIT;
	struct ha_buf text = HA_BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	ha_buf_vaddf(&raw, fmt, ap);
	va_end(ap);
	ha_rec_add_printable(&text, raw.data, raw.len);
	ha_buf_add_char(&text, '\n');
	ha_out_write(text.data, text.len);
	ha_buf_release(&text);
	ha_buf_release(&raw);
}

/* The path below the root, owned; NULL when it is elsewhere. */
static char *
relative(const struct watch *watch, const char *path)
{
	struct ha_buf clean = HA_BUF_INIT;
	size_t root_len = strlen(watch->root), len;

	if (*path == '/') {
		if (!strcmp(watch->root, "/"))
			root_len = 0;
		if (strncmp(path, watch->root, root_len) ||
		    (path[root_len] && path[root_len] != '/'))
			return NULL;
		path += root_len;
	}
	for (; *path; path += len) {
		len = strcspn(path, "/");
		if (len && (len != 1 || *path != '.')) {
			if (clean.len)
				ha_buf_add_char(&clean, '/');
			ha_buf_add(&clean, path, len);
		}
		len += path[len] == '/';
	}
	if (!clean.len)
		ha_buf_add_str(&clean, HA_CHANGE_ROOT);
	if (ha_fs_path_is_inside(clean.data))
		return ha_buf_detach(&clean);
	ha_buf_release(&clean);
	return NULL;
}

/* The line of file that reads text; 0: not found. */
static unsigned long long
line_of(const char *file, const char *text)
{
	unsigned long long number = 0;
	struct ha_err err;
	struct ha_in in;
	char *line;
	size_t len;
	int fd = strcmp(file, "-") ? open(file, O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0)
		return 0;
	ha_in_init(&in, fd, '\n');
	while (!number && ha_in_fill(&in, &err) > 0)
		while (!number && ha_in_next(&in, &line, &len, &err) > 0)
			if (!strcmp(line, text))
				number = in.number;
	ha_in_release(&in);
	close(fd);
	return number;
}

static void
print_rule(const struct watch *watch, int rule)
{
	const char *text = ha_match_pattern(watch->match, (size_t)rule);
	const char *file = NULL;
	unsigned long long line;
	size_t i;

	if (rule == 0) {
		print("  by the built-in rule '%s'", text);
		return;
	}
	for (i = 0; i < watch->origin_count; i++)
		if (watch->origins[i].first <= (size_t)rule)
			file = watch->origins[i].file;
	line = file ? line_of(file, text) : 0;
	if (line)
		print("  by rule %d, '%s' (%s, line %llu)", rule, text, file,
		    line);
	else if (file)
		print("  by rule %d, '%s' (in %s)", rule, text, file);
	else
		print("  by rule %d, '%s' (-x)", rule, text);
}

static int
not_watched(const char *path, const char *part, const char *why)
{
	if (strcmp(path, part))
		print("%s is not watched: its parent %s %s", path, part, why);
	else
		print("%s is not watched: it %s", path, why);
	return 1;
}

/* One step of the way; 1 when it ends here. */
static int
step(struct watch *watch, const char *path, const char *part)
{
	int is_last = !strcmp(path, part);
	struct stat st;
	int sys, fd, is_dir, rule;

	sys = ha_fs_lstat_beneath(watch_root(watch), part, &st) ? errno : 0;
	is_dir = sys ? !is_last : S_ISDIR(st.st_mode);
	if (ha_match_excludes(watch->match, part, is_dir, &rule)) {
		not_watched(path, part, "is excluded");
		print_rule(watch, rule);
		return 1;
	}
	if (sys == ENOENT || sys == ENOTDIR)
		return not_watched(path, part, "does not exist");
	if (sys)
		return not_watched(path, part, strerror(sys));
	if (!is_last && S_ISLNK(st.st_mode))
		return not_watched(path, part,
		    "is a symbolic link, and links are not followed");
	if (!is_last && !is_dir)
		return not_watched(path, part, "is no directory");
	if (!is_dir)
		return 0;
	fd = ha_fs_open_beneath(
	    watch_root(watch), part, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
	if (fd < 0)
		return not_watched(path, part,
		    errno == EACCES ? "can't be read: no permission"
				    : "can't be opened");
	close(fd);
	return 0;
}

static void
print_mount(const struct watch *watch, const char *path)
{
	char *real = realpath(watch->root, NULL);
	char *full = ha_xasprintf("%s/%s", real ? real : watch->root, path);
	char *point = mounts_point_of(full);
	size_t len = strlen(real ? real : watch->root);

	if (point && strlen(point) > len)
		print("  it is on another file system, mounted at %s", point);
	free(point);
	free(full);
	free(real);
}

static int
explain_inside(struct watch *watch, char *path)
{
	char *part = ha_xstrdup(path);
	char *slash = part;
	int ended = 0;

	while (!ended && (slash = strchr(slash, '/'))) {
		*slash = '\0';
		ended = step(watch, path, part);
		*slash++ = '/';
	}
	if (!ended)
		ended = step(watch, path, part);
	if (!ended) {
		slash = strrchr(part, '/');
		if (slash)
			*slash = '\0';
		print("%s is watched, by its directory %s", path,
		    slash ? part : watch->root);
		print_mount(watch, path);
	}
	free(part);
	return ended;
}

int
explain(struct watch *watch, const char *path)
{
	char *inside = relative(watch, path);
	int status;

	if (!inside) {
		print(
		    "%s is not watched: it is not below %s", path, watch->root);
		return 1;
	}
	status = explain_inside(watch, inside);
	free(inside);
	return status;
}
