/* SPDX-License-Identifier: ISC */
/*
 * change - change records, from ha-watch to ha-push.
 */
#include "change.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "alloc.h"
#include "fs.h"
#include "rec.h"

#define OPS "WACDMRES"
#define KINDS "fdlpscb-"
#define FIELDS 5
#define VERSION 1

char
ha_change_kind(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return 'f';
	case S_IFDIR:
		return 'd';
	case S_IFLNK:
		return 'l';
	case S_IFIFO:
		return 'p';
	case S_IFSOCK:
		return 's';
	case S_IFCHR:
		return 'c';
	case S_IFBLK:
		return 'b';
	default:
		return '-';
	}
}

void
ha_change_encode(struct ha_buf *line, const struct ha_change *change)
{
	ha_buf_addf(line, "%c\t%c\t%" PRIu64 "\t", change->op, change->kind,
	    change->seq);
	ha_rec_add_field(line, change->path, strlen(change->path));
	ha_buf_add_char(line, '\t');
	ha_rec_add_field(line, change->new_path, strlen(change->new_path));
	ha_buf_add_char(line, '\n');
}

void
ha_change_encode_json(struct ha_buf *line, const struct ha_change *change)
{
	ha_buf_addf(line,
	    "{\"op\":\"%c\",\"kind\":\"%c\",\"seq\":%" PRIu64 ",\"path\":",
	    change->op, change->kind, change->seq);
	ha_rec_add_json(line, change->path, strlen(change->path));
	ha_buf_add_str(line, ",\"new_path\":");
	ha_rec_add_json(line, change->new_path, strlen(change->new_path));
	ha_buf_add_str(line, "}\n");
}

static int
parse_u64(const char *text, uint64_t *value)
{
	char *end;

	/* strtoull(3) would take blanks and signs. */
	if (*text < '0' || *text > '9')
		return -1;
	errno = 0;
	*value = strtoull(text, &end, 10);
	return errno || *end ? -1 : 0;
}

/* Is text one character, and one of set?  It goes to *c then. */
static int
parse_letter(const char *text, const char *set, char *c)
{
	if (!text[0] || text[1] || !strchr(set, text[0]))
		return -1;
	*c = text[0];
	return 0;
}

static int
check_paths(const struct ha_change *change, struct ha_err *err)
{
	if (change->op != 'S' && !ha_fs_path_is_inside(change->path))
		return ha_err_set(err, EX_DATAERR, 0,
		    "'%s' is no path inside the root", change->path);
	if (change->op == 'M' && !ha_fs_path_is_inside(change->new_path))
		return ha_err_set(err, EX_DATAERR, 0,
		    "'%s' is no path inside the root", change->new_path);
	return 0;
}

int
ha_change_decode(char *line, struct ha_change *change, struct ha_err *err)
{
	char *fields[FIELDS];
	size_t n = ha_rec_split(line, fields, FIELDS);

	if (n < FIELDS)
		return ha_err_set(err, EX_DATAERR, 0,
		    "%zu field%s where a change record has %d", n,
		    n == 1 ? "" : "s", FIELDS);
	if (parse_letter(fields[0], OPS, &change->op))
		return ha_err_set(
		    err, EX_DATAERR, 0, "unknown OP '%s'", fields[0]);
	if (parse_letter(fields[1], KINDS, &change->kind))
		return ha_err_set(
		    err, EX_DATAERR, 0, "unknown KIND '%s'", fields[1]);
	if (parse_u64(fields[2], &change->seq))
		return ha_err_set(
		    err, EX_DATAERR, 0, "SEQ '%s' is no number", fields[2]);
	if (ha_rec_unescape_text(fields[3], err) ||
	    ha_rec_unescape_text(fields[4], err))
		return -1;
	change->path = fields[3];
	change->new_path = fields[4];
	return check_paths(change, err);
}

void
ha_change_header_init(struct ha_change_header *header)
{
	memset(header, 0, sizeof(*header));
}

void
ha_change_header_release(struct ha_change_header *header)
{
	size_t i;

	for (i = 0; i < header->exclude_count; i++)
		free(header->excludes[i]);
	free(header->excludes);
	free(header->root);
	free(header->boot);
	ha_change_header_init(header);
}

void
ha_change_header_add_exclude(
    struct ha_change_header *header, const char *pattern)
{
	header->excludes = ha_xrealloc(header->excludes,
	    (header->exclude_count + 1) * sizeof(*header->excludes));
	header->excludes[header->exclude_count++] = ha_xstrdup(pattern);
}

static void
add_pair_u64(struct ha_buf *line, const char *key, uint64_t value)
{
	ha_buf_addf(line, "\t%s=%" PRIu64, key, value);
}

void
ha_change_header_encode(
    struct ha_buf *line, const struct ha_change_header *header)
{
	size_t i;

	ha_buf_add_str(line, "#ha-watch");
	add_pair_u64(line, "v", header->version);
	ha_rec_add_pair(line, "root", header->root, strlen(header->root));
	add_pair_u64(line, "dev", header->dev);
	add_pair_u64(line, "ino", header->ino);
	if (header->boot)
		ha_rec_add_pair(
		    line, "boot", header->boot, strlen(header->boot));
	for (i = 0; i < header->exclude_count; i++)
		ha_rec_add_pair(line, "exclude", header->excludes[i],
		    strlen(header->excludes[i]));
	ha_buf_add_char(line, '\n');
}

void
ha_change_header_encode_json(
    struct ha_buf *line, const struct ha_change_header *header)
{
	const char *boot = header->boot ? header->boot : "";
	size_t i;

	ha_buf_addf(line,
	    "{\"record\":\"ha-watch\",\"v\":%u,\"root\":", header->version);
	ha_rec_add_json(line, header->root, strlen(header->root));
	ha_buf_addf(line,
	    ",\"dev\":%" PRIu64 ",\"ino\":%" PRIu64 ",\"boot\":", header->dev,
	    header->ino);
	ha_rec_add_json(line, boot, strlen(boot));
	ha_buf_add_str(line, ",\"excludes\":[");
	for (i = 0; i < header->exclude_count; i++) {
		if (i)
			ha_buf_add_char(line, ',');
		ha_rec_add_json(
		    line, header->excludes[i], strlen(header->excludes[i]));
	}
	ha_buf_add_str(line, "]}\n");
}

/* What a header must have, as bits. */
enum { HAS_VERSION = 1, HAS_ROOT = 2, HAS_DEV = 4, HAS_INO = 8, HAS_ALL = 15 };

static void
replace(char **string, const char *value)
{
	free(*string);
	*string = ha_xstrdup(value);
}

/* Returns the bit of what was set, 0 for nothing that must be, -1: damaged. */
static int
set_pair(struct ha_change_header *header, const char *key, const char *value)
{
	uint64_t number;

	if (!strcmp(key, "v")) {
		if (parse_u64(value, &number) || number != VERSION)
			return -1;
		header->version = VERSION;
		return HAS_VERSION;
	}
	if (!strcmp(key, "root")) {
		if (value[0] != '/')
			return -1;
		replace(&header->root, value);
		return HAS_ROOT;
	}
	if (!strcmp(key, "dev"))
		return parse_u64(value, &header->dev) ? -1 : HAS_DEV;
	if (!strcmp(key, "ino"))
		return parse_u64(value, &header->ino) ? -1 : HAS_INO;
	if (!strcmp(key, "boot"))
		replace(&header->boot, value);
	else if (!strcmp(key, "exclude"))
		ha_change_header_add_exclude(header, value);
	return 0;
}

int
ha_change_header_decode(
    char *line, struct ha_change_header *header, struct ha_err *err)
{
	char *key = strsep(&line, "\t");
	char *value;
	int seen = 0;
	int bit;

	if (strcmp(key, "#ha-watch"))
		return ha_err_set(err, EX_DATAERR, 0, "no #ha-watch line");
	while ((key = strsep(&line, "\t"))) {
		value = strchr(key, '=');
		if (!value)
			continue;
		*value++ = '\0';
		if (ha_rec_unescape_text(value, err))
			return -1;
		bit = set_pair(header, key, value);
		if (bit < 0)
			return ha_err_set(err, EX_DATAERR, 0,
			    "bad value '%s' for %s in the #ha-watch line",
			    value, key);
		seen |= bit;
	}
	if (seen != HAS_ALL)
		return ha_err_set(err, EX_DATAERR, 0,
		    "the #ha-watch line lacks v, root, dev or ino");
	return 0;
}
