/* SPDX-License-Identifier: ISC */
/*
 * name - what checks and commands are called, in words and as files.
 */
#include "name.h"

#include <string.h>

#include "alloc.h"
#include "transition.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define COMMAND_MAX 64
#define FILE_MAX 180

static void
add_quoted(struct ha_buf *words, const char *word)
{
	ha_buf_add_char(words, '\'');
	for (; *word; word++) {
		if (*word == '\'')
			ha_buf_add_str(words, "'\\'");
		ha_buf_add_char(words, *word);
	}
	ha_buf_add_char(words, '\'');
}

void
name_add_words(struct ha_buf *words, const char *const *argv)
{
	for (size_t i = 0; argv[i]; i++) {
		if (i)
			ha_buf_add_char(words, ' ');
		if (*argv[i] && !argv[i][strspn(argv[i], LETTERS "_@%+=:,./-")])
			ha_buf_add_str(words, argv[i]);
		else
			add_quoted(words, argv[i]);
	}
}

/* The 16 digits that end an incident's name are those of a hash of both. */
static void
add_hash(struct ha_buf *name, const char *a, const char *b)
{
	char incident[HA_TRANSITION_INCIDENT_SIZE];

	ha_transition_incident(incident, a, b, 0);
	ha_buf_add_char(name, '~');
	ha_buf_add_str(name, strchr(incident, '-') + 1);
}

/* Other bytes than letters, digits, "_" and "." become one "-". */
static int
add_plain(struct ha_buf *name, const char *word)
{
	int is_lossy = 0;

	for (; *word; word++) {
		if (strchr(LETTERS "_.-", *word)) {
			ha_buf_add_char(name, *word);
			continue;
		}
		is_lossy = 1;
		if (!name->len || name->data[name->len - 1] != '-')
			ha_buf_add_char(name, '-');
	}
	return is_lossy;
}

char *
name_of_command(const char *const *argv)
{
	const char *slash = strrchr(argv[0], '/');
	struct ha_buf name = HA_BUF_INIT, words = HA_BUF_INIT;
	int is_lossy = add_plain(&name, slash ? slash + 1 : argv[0]);

	for (size_t i = 1; argv[i]; i++) {
		ha_buf_add_char(&name, '-');
		is_lossy |= add_plain(&name, argv[i]);
	}
	if (name.len > COMMAND_MAX) {
		ha_buf_truncate(&name, COMMAND_MAX);
		is_lossy = 1;
	}
	if (!name.len || *name.data == '.') {
		ha_buf_reset(&name);
		is_lossy = 1;
	}
	if (is_lossy) {
		name_add_words(&words, argv);
		add_hash(&name, "", words.data);
		ha_buf_release(&words);
	}
	return ha_buf_detach(&name);
}

int
name_is_valid(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= COMMAND_MAX && *name != '.' &&
	       strspn(name, LETTERS "_.-") == len;
}

static void
add_encoded(struct ha_buf *name, const char *text)
{
	for (; *text; text++)
		if (strchr(LETTERS "_.:+-", *text) &&
		    (name->len || *text != '.'))
			ha_buf_add_char(name, *text);
		else
			ha_buf_addf(name, "%%%02X", (unsigned char)*text);
}

char *
name_of_file(const char *check, const char *host)
{
	struct ha_buf name = HA_BUF_INIT;

	add_encoded(&name, check);
	ha_buf_add_char(&name, '@');
	add_encoded(&name, *host ? host : "-");
	if (name.len > FILE_MAX) {
		ha_buf_truncate(&name, FILE_MAX);
		add_hash(&name, host, check);
	}
	return ha_buf_detach(&name);
}

char *
name_of_check(const char *check, const char *host)
{
	return *host ? ha_xasprintf("%s@%s", check, host) : ha_xstrdup(check);
}
