/* SPDX-License-Identifier: ISC */
/* db-defaults - MySQL's option files, what a client needs of them. */
#include "db-defaults.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "buf.h"

#define MAX_FILE ((size_t)256 * 1024)
#define MAX_DEPTH 10
#define BLANKS " \t\r\v\f"

struct reading {
	struct ha_db_defaults *defaults;
	const char *group;
	const char *path; /* of the file being read */
	int must; /* what can't be read is a mistake */
	int depth;
	int in_group; /* the lines are ours */
	int has_password; /* this file has one */
};

static int
read_path(struct reading *reading, const char *path, struct ha_err *err);

static void
set(char **member, const char *value)
{
	if (*member)
		explicit_bzero(*member, strlen(*member));
	free(*member);
	*member = ha_xstrdup(value);
}

static int
is_false(const char *value)
{
	return strcmp(value, "0") == 0 || strcasecmp(value, "off") == 0 ||
	       strcasecmp(value, "false") == 0;
}

static int
is_word(const char *value, const char *const *words)
{
	while (*words && strcasecmp(value, *words) != 0)
		words++;
	return *words != NULL;
}

/* key is in lower case, with dashes. */
static int
take_string(struct ha_db_defaults *defaults, const char *key, const char *value)
{
#define ENTRY(name, member)                                                    \
	{                                                                      \
		name, offsetof(struct ha_db_defaults, member)                  \
	}
	static const struct {
		const char *name;
		size_t member;
	} table[] = {
		ENTRY("host", host),
		ENTRY("user", user),
		ENTRY("password", password),
		ENTRY("socket", socket),
		ENTRY("bind-address", source),
		ENTRY("ssl-ca", ssl_ca),
		ENTRY("ssl-capath", ssl_capath),
		ENTRY("ssl-cert", ssl_cert),
		ENTRY("ssl-key", ssl_key),
		ENTRY("ssl-crl", ssl_crl),
		ENTRY("ssl-crlpath", ssl_crlpath),
		ENTRY("ssl-cipher", ssl_cipher),
		ENTRY("tls-ca", ssl_ca),
		ENTRY("tls-capath", ssl_capath),
		ENTRY("tls-cert", ssl_cert),
		ENTRY("tls-key", ssl_key),
		ENTRY("tls-crl", ssl_crl),
		ENTRY("tls-crlpath", ssl_crlpath),
		ENTRY("tls-cipher", ssl_cipher),
		ENTRY("tls-version", tls_version),
	};
#undef ENTRY

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(key, table[i].name) == 0) {
			set((char **)(void *)((char *)defaults +
					      table[i].member),
			    value);
			return 1;
		}
	return 0;
}

static void
take_mode(struct ha_db_defaults *defaults, const char *value)
{
	static const char *const wanted[] = { "required", "verify_ca",
		"verify_identity", NULL };

	if (strcasecmp(value, "disabled") == 0)
		defaults->tls = -1;
	else
		defaults->tls = is_word(value, wanted);
}

/* value is NULL for an option without one. */
static void
take(struct reading *reading, const char *key, const char *value)
{
	static const char *const tcp[] = { "tcp", "1", NULL };
	static const char *const no_tls[] = { "skip-ssl", "disable-ssl",
		"skip-tls", "disable-tls", NULL };
	static const char *const tls[] = { "ssl", "enable-ssl", "tls",
		"ssl-enforce", "tls-enforce", NULL };
	struct ha_db_defaults *defaults = reading->defaults;

	if (strncmp(key, "loose-", 6) == 0)
		key += 6;
	if (is_word(key, no_tls))
		defaults->tls = value && is_false(value) ? 1 : -1;
	else if (is_word(key, tls))
		defaults->tls = value && is_false(value) ? -1 : 1;
	else if (!value)
		return;
	else if (strcmp(key, "ssl-mode") == 0)
		take_mode(defaults, value);
	else if (strcmp(key, "port") == 0)
		defaults->port = (unsigned)strtoul(value, NULL, 10);
	else if (strcmp(key, "protocol") == 0)
		defaults->is_tcp = is_word(value, tcp);
	else if (take_string(defaults, key, value))
		reading->has_password |=
		    strcmp(key, "password") == 0 && *value != '\0';
}

/* A comment may stand behind a value, outside of quotes. */
static void
cut_comment(char *line)
{
	char quote = '\0';
	int is_escaped = 0;

	for (; *line; line++) {
		if ((*line == '\'' || *line == '"') && !is_escaped) {
			if (quote == '\0')
				quote = *line;
			else if (quote == *line)
				quote = '\0';
		}
		if (quote == '\0' && *line == '#') {
			*line = '\0';
			return;
		}
		is_escaped = quote != '\0' && *line == '\\' && !is_escaped;
	}
}

static void
cut_blanks(char *text)
{
	size_t len = strlen(text);

	while (len > 0 && strchr(BLANKS, text[len - 1]))
		len--;
	text[len] = '\0';
}

static char *
trim(char *text)
{
	text += strspn(text, BLANKS);
	cut_blanks(text);
	return text;
}

static void
unescape(char *text)
{
	static const char from[] = "ntrbs\"'\\", to[] = "\n\t\r\b \"'\\";
	const char *at;
	char *out = text;

	for (; *text; text++) {
		if (*text == '\\' && text[1] && (at = strchr(from, text[1]))) {
			*out++ = to[at - from];
			text++;
		} else {
			*out++ = *text;
		}
	}
	*out = '\0';
}

static char *
unquote(char *value)
{
	size_t len = strlen(value);

	if (len > 1 && (*value == '\'' || *value == '"') &&
	    value[len - 1] == *value) {
		value[len - 1] = '\0';
		value++;
	}
	unescape(value);
	return value;
}

static int
is_our_group(const struct reading *reading, const char *name)
{
	static const char *const ours[] = { "client", "client-server",
		"client-mariadb" };

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (strcmp(name, ours[i]) == 0)
			return 1;
	return reading->group && strcmp(name, reading->group) == 0;
}

static int
is_option_file(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 4 && strcmp(entry->d_name + len - 4, ".cnf") == 0;
}

static int
read_directory(struct reading *reading, const char *dir, struct ha_err *err)
{
	struct dirent **list;
	int count = scandir(dir, &list, is_option_file, alphasort), rc = 0;
	char *path;

	if (count < 0)
		return reading->must ? ha_err_set(err, EX_NOINPUT, errno,
					   "can't read '%s'", dir)
				     : 0;
	for (int i = 0; i < count; i++) {
		path = ha_xasprintf("%s/%s", dir, list[i]->d_name);
		if (rc == 0)
			rc = read_path(reading, path, err);
		free(path);
		free(list[i]);
	}
	free(list);
	return rc;
}

static int
take_include(struct reading *reading, char *line, struct ha_err *err)
{
	size_t len = strcspn(line, BLANKS);
	const char *path = trim(line + len);

	if (len == 8 && memcmp(line, "!include", len) == 0)
		return read_path(reading, path, err);
	if (len == 11 && memcmp(line, "!includedir", len) == 0)
		return read_directory(reading, path, err);
	return 0;
}

static int
take_line(struct reading *reading, char *line, struct ha_err *err)
{
	char *value;

	line = trim(line);
	if (*line == '\0' || *line == '#' || *line == ';')
		return 0;
	if (*line == '!')
		return take_include(reading, line, err);
	if (*line == '[') {
		line[strcspn(line, "]")] = '\0';
		cut_blanks(line);
		reading->in_group = is_our_group(reading, line + 1);
		return 0;
	}
	if (!reading->in_group)
		return 0;
	cut_comment(line);
	value = strchr(line, '=');
	if (value)
		*value++ = '\0';
	line = trim(line);
	for (char *at = line; *at; at++)
		if (*at == '_')
			*at = '-';
	take(reading, line, value ? unquote(trim(value)) : NULL);
	return 0;
}

static int
check_mode(
    const struct reading *reading, const struct stat *st, struct ha_err *err)
{
	if (!S_ISREG(st->st_mode))
		return 0;
	if (reading->has_password && st->st_mode & (S_IRGRP | S_IROTH))
		return ha_err_set(err, EX_CONFIG, 0,
		    "'%s' holds a password, and others may read it: chmod 600",
		    reading->path);
	if (st->st_mode & S_IWOTH)
		return ha_err_set(err, EX_CONFIG, 0,
		    "others may write to '%s': chmod o-w", reading->path);
	return 0;
}

static int
read_whole(int fd, const char *path, struct ha_buf *text, struct ha_err *err)
{
	ssize_t n = 1;

	while (n != 0) {
		if (text->len >= MAX_FILE)
			return ha_err_set(err, EX_CONFIG, 0,
			    "'%s' is too large for an option file", path);
		ha_buf_reserve(text, 4096);
		n = read(fd, text->data + text->len, 4096);
		if (n < 0 && errno != EINTR)
			return ha_err_set(
			    err, EX_NOINPUT, errno, "can't read '%s'", path);
		text->len += n > 0 ? (size_t)n : 0;
		text->data[text->len] = '\0';
	}
	return 0;
}

static int
read_fd(struct reading *reading, int fd, struct ha_err *err)
{
	struct ha_buf text = HA_BUF_INIT;
	int rc = read_whole(fd, reading->path, &text, err);
	char *line = text.data, *end;
	struct stat st;

	while (rc == 0 && *line) {
		end = line + strcspn(line, "\n");
		if (*end)
			*end++ = '\0';
		rc = take_line(reading, line, err);
		line = end;
	}
	if (rc == 0 && fstat(fd, &st) == 0)
		rc = check_mode(reading, &st, err);
	explicit_bzero(text.data, text.len);
	ha_buf_release(&text);
	return rc;
}

/* A file has groups, and secrets, of its own. */
static int
read_path(struct reading *reading, const char *path, struct ha_err *err)
{
	struct reading inner = *reading;
	int fd, rc;

	inner.path = path;
	inner.in_group = inner.has_password = 0;
	if (++inner.depth > MAX_DEPTH)
		return ha_err_set(
		    err, EX_CONFIG, 0, "'%s' is included too deeply", path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return reading->must ? ha_err_set(err, EX_NOINPUT, errno,
					   "can't read '%s'", path)
				     : 0;
	rc = read_fd(&inner, fd, err);
	close(fd);
	return rc;
}

static int
read_below(struct reading *reading, const char *dir, const char *name,
    struct ha_err *err)
{
	char *path;
	int rc;

	if (!dir)
		return 0;
	path = ha_xasprintf("%s/%s", dir, name);
	rc = read_path(reading, path, err);
	free(path);
	return rc;
}

int
ha_db_defaults_read(struct ha_db_defaults *defaults, const char *file,
    const char *group, struct ha_err *err)
{
	struct reading reading = {
		.defaults = defaults,
		.group = group,
		.must = file != NULL,
	};
	const char *home = getenv("MARIADB_HOME");

	memset(defaults, 0, sizeof(*defaults));
	if (file)
		return read_path(&reading, file, err);
	if (!home)
		home = getenv("MYSQL_HOME");
	if (read_path(&reading, "/etc/my.cnf", err) ||
	    read_path(&reading, "/etc/mysql/my.cnf", err) ||
	    read_below(&reading, home, "my.cnf", err))
		return -1;
	return read_below(&reading, getenv("HOME"), ".my.cnf", err);
}

void
ha_db_defaults_release(struct ha_db_defaults *defaults)
{
	char *const all[] = { defaults->host, defaults->user,
		defaults->password, defaults->socket, defaults->source,
		defaults->ssl_ca, defaults->ssl_capath, defaults->ssl_cert,
		defaults->ssl_key, defaults->ssl_crl, defaults->ssl_crlpath,
		defaults->ssl_cipher, defaults->tls_version };

	if (defaults->password)
		explicit_bzero(defaults->password, strlen(defaults->password));
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		free(all[i]);
	memset(defaults, 0, sizeof(*defaults));
}
