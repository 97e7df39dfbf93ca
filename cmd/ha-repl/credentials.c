/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "buf.h"
#include "credentials.h"

#define FILE_MAX (64 * 1024)

static int
check_mode(int fd, const char *path, struct ha_err *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return ha_err_set(
		    err, EX_NOINPUT, errno, "can't look at '%s'", path);
	if (!S_ISREG(st.st_mode))
		return ha_err_set(
		    err, EX_CONFIG, 0, "'%s' is no regular file", path);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return ha_err_set(err, EX_CONFIG, 0,
		    "'%s' holds a password and belongs to another user", path);
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return ha_err_set(err, EX_CONFIG, 0,
		    "'%s' holds a password and others may read it: chmod 600",
		    path);
	return 0;
}

static int
read_all(int fd, const char *path, struct ha_buf *text, struct ha_err *err)
{
	ssize_t got;

	ha_buf_reserve(text, FILE_MAX + 1);
	while (text->len <= FILE_MAX) {
		got =
		    read(fd, text->data + text->len, FILE_MAX + 1 - text->len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return ha_err_set(
			    err, EX_NOINPUT, errno, "can't read '%s'", path);
		if (!got)
			break;
		text->len += (size_t)got;
	}
	text->data[text->len] = '\0';
	if (text->len > FILE_MAX || strlen(text->data) != text->len)
		return ha_err_set(
		    err, EX_CONFIG, 0, "'%s' is no option file", path);
	return 0;
}

static char
unescaped(char c)
{
	static const char from[] = "btnrs\\", to[] = "\b\t\n\r \\";
	const char *at = c ? strchr(from, c) : NULL;

	return at ? to[at - from] : '\0';
}

/* In place: quotes off, a comment off, escapes undone. */
static char *
value_of(char *text)
{
	size_t len = strlen(text);
	char *in, *out, c, quote = '\0';

	if (*text == '"' || *text == '\'')
		quote = *text;
	if (quote && len >= 2 && text[len - 1] == quote) {
		text[len - 1] = '\0';
		text++;
	} else if ((in = strstr(text, " #")) != NULL ||
		   (in = strstr(text, "\t#")) != NULL) {
		while (in > text && isspace((unsigned char)in[-1]))
			in--;
		*in = '\0';
	}
	for (in = out = text; *in; in++) {
		c = *in == '\\' ? unescaped(in[1]) : '\0';
		if (c)
			in++;
		*out++ = c ? c : *in;
	}
	*out = '\0';
	return text;
}

static char *
trim(char *text)
{
	char *end;

	while (isspace((unsigned char)*text))
		text++;
	end = text + strlen(text);
	while (end > text && isspace((unsigned char)end[-1]))
		*--end = '\0';
	return text;
}

static void
keep(char **place, const char *value)
{
	if (*place)
		explicit_bzero(*place, strlen(*place));
	free(*place);
	*place = ha_xstrdup(value);
}

/* One "name = value" of [client]; what else stands there is others'. */
static void
take(struct credentials *credentials, char *line)
{
	char *equal = strchr(line, '=');
	const char *name;

	if (!equal)
		return;
	*equal = '\0';
	name = trim(line);
	if (!strcmp(name, "user"))
		keep(&credentials->user, value_of(trim(equal + 1)));
	else if (!strcmp(name, "password"))
		keep(&credentials->password, value_of(trim(equal + 1)));
}

static void
parse(struct credentials *credentials, char *text)
{
	char *line, *next;
	int is_ours = 0;

	for (line = text; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		line = trim(line);
		if (*line == '[')
			is_ours = !strcmp(line, "[client]");
		else if (is_ours && *line != '#' && *line != ';')
			take(credentials, line);
	}
}

int
credentials_read(
    struct credentials *credentials, const char *path, struct ha_err *err)
{
	struct ha_buf text = HA_BUF_INIT;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), result;

	credentials_release(credentials);
	if (fd < 0)
		return ha_err_set(
		    err, EX_NOINPUT, errno, "can't open '%s'", path);
	result = check_mode(fd, path, err);
	if (!result)
		result = read_all(fd, path, &text, err);
	close(fd);
	if (!result) {
		parse(credentials, text.data);
		if (!credentials->user || !*credentials->user ||
		    !credentials->password)
			result = ha_err_set(err, EX_CONFIG, 0,
			    "'%s' needs user and password in [client]", path);
	}
	if (text.cap)
		explicit_bzero(text.data, text.cap);
	ha_buf_release(&text);
	if (result)
		credentials_release(credentials);
	return result;
}

void
credentials_release(struct credentials *credentials)
{
	if (credentials->password)
		explicit_bzero(
		    credentials->password, strlen(credentials->password));
	free(credentials->user);
	free(credentials->password);
	credentials->user = credentials->password = NULL;
}
