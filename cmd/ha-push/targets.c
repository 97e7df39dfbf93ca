/* SPDX-License-Identifier: ISC */
/* targets - all that a command is to mirror to, and the files of each. */
#include "targets.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "fs.h"
#include "rec.h"

#define FILE_MAX (1024 * 1024)

static int
is_same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static int
is_same(const struct target *a, const struct target *b)
{
	return is_same_text(a->user, b->user) &&
	       strcmp(a->host, b->host) == 0 && strcmp(a->dir, b->dir) == 0;
}

int
targets_add(struct targets *targets, const char *text, struct ha_err *err)
{
	struct target *target;

	targets->list = ha_xrealloc(
	    targets->list, (targets->count + 1) * sizeof(*targets->list));
	target = &targets->list[targets->count++];
	if (target_parse(target, text, err) != 0)
		return -1;
	for (size_t i = 0; i + 1 < targets->count; i++)
		if (is_same(&targets->list[i], target))
			return ha_err_set(err, EX_USAGE, 0,
			    "the target %s is given twice", target->typed);
	return 0;
}

static char *
trim(char *line)
{
	size_t len;

	line += strspn(line, " \t\r");
	len = strlen(line);
	while (len > 0 && strchr(" \t\r", line[len - 1]) != NULL)
		line[--len] = '\0';
	return line;
}

int
targets_read(struct targets *targets, const char *file, struct ha_err *err)
{
	struct ha_buf text = HA_BUF_INIT;
	const char *path = strcmp(file, "-") == 0 ? "/dev/stdin" : file;
	char *rest, *line;
	size_t number = 0;
	int rc = ha_fs_read_file(path, FILE_MAX, &text, err);

	if (rc == 0 && strlen(text.data) != text.len)
		rc = ha_err_set(err, EX_CONFIG, 0, "%s: a NUL in it", file);
	rest = text.data;
	while (rc == 0 && (line = strsep(&rest, "\n")) != NULL) {
		number++;
		line = trim(line);
		if (line[0] == '\0' || line[0] == '#')
			continue;
		rc = targets_add(targets, line, err);
		if (rc != 0)
			ha_err_set(err, EX_CONFIG, 0, "%s: line %zu: %s", file,
			    number, err->msg);
	}
	ha_buf_release(&text);
	return rc;
}

void
targets_release(struct targets *targets)
{
	for (size_t i = 0; i < targets->count; i++)
		target_release(&targets->list[i]);
	free(targets->list);
	targets->list = NULL;
	targets->count = 0;
}

static void
make_plain(char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789.-_:";

	for (; *name != '\0'; name++)
		if (strchr(plain, *name) == NULL)
			*name = '_';
}

static char *
numbered(const char *host, size_t n)
{
	char *tag = n < 2 ? ha_xstrdup(host) : ha_xasprintf("%s-%zu", host, n);

	make_plain(tag);
	return tag;
}

static int
is_taken(char *const *tags, size_t count, const char *tag)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(tags[i], tag) == 0)
			return 1;
	return 0;
}

/* What tells this target from those before it, as part of a file's name. */
static char *
tag_of(const struct targets *targets, size_t index)
{
	char **tags = ha_xcalloc(index + 1, sizeof(*tags));
	char *tag;

	for (size_t i = 0; i <= index; i++) {
		size_t n = 1;

		tags[i] = numbered(targets->list[i].host, n);
		while (is_taken(tags, i, tags[i])) {
			free(tags[i]);
			tags[i] = numbered(targets->list[i].host, ++n);
		}
	}
	tag = tags[index];
	for (size_t i = 0; i < index; i++)
		free(tags[i]);
	free(tags);
	return tag;
}

char *
targets_file(const struct targets *targets, size_t index, const char *file)
{
	const char *slash = strrchr(file, '/');
	const char *name = slash != NULL ? slash + 1 : file;
	const char *dot = strrchr(name, '.');
	size_t stem = strlen(file);
	char *tag = tag_of(targets, index);
	char *path;

	if (dot != NULL && dot != name)
		stem = (size_t)(dot - file);
	path = ha_xasprintf("%.*s.%s%s", (int)stem, file, tag, file + stem);
	free(tag);
	return path;
}

/* Absolute: who reads the index may stand somewhere else. */
static char *
absolute(char *path)
{
	char *slash = strrchr(path, '/'), *dir, *whole;

	if (slash != NULL)
		*slash = '\0';
	dir = realpath(slash == NULL ? "." : slash == path ? "/" : path, NULL);
	if (slash != NULL)
		*slash = '/';
	if (dir == NULL)
		return path;
	whole = ha_xasprintf("%s/%s", strcmp(dir, "/") == 0 ? "" : dir,
	    slash != NULL ? slash + 1 : path);
	free(dir);
	free(path);
	return whole;
}

int
targets_write_index(
    const struct targets *targets, const char *file, struct ha_err *err)
{
	struct ha_buf text = HA_BUF_INIT;
	char *path;
	int rc;

	ha_buf_addf(&text, "#ha-push\tv=1\tpeers=%zu\n", targets->count);
	for (size_t i = 0; i < targets->count; i++) {
		const char *typed = targets->list[i].typed;

		path = absolute(targets_file(targets, i, file));
		ha_buf_add_str(&text, "#peer");
		ha_rec_add_pair(&text, "target", typed, strlen(typed));
		ha_rec_add_pair(&text, "file", path, strlen(path));
		ha_buf_add_char(&text, '\n');
		free(path);
	}
	rc = ha_fs_replace(file, text.data, text.len, 0644, err);
	ha_buf_release(&text);
	return rc;
}
