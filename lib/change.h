/* SPDX-License-Identifier: ISC */
/*
 * change - change records, from ha-watch to ha-push.
 *
 * Source: ha(7), CHANGE RECORDS.
 */
#ifndef HA_CHANGE_H
#define HA_CHANGE_H

#include <stdint.h>
#include <sys/types.h>

#include "buf.h"
#include "err.h"

/* The root's own path in a record. */
#define HA_CHANGE_ROOT "."

/*
 * How the name of a cookie begins: a file directly in the root that is made and
 * removed again to learn when all that happened before is told (ha(7), BARRIERS
 * AND COOKIES).  It is never mirrored.
 */
#define HA_CHANGE_COOKIE ".ha-sync-"
#define HA_CHANGE_COOKIE_PATTERN "/" HA_CHANGE_COOKIE "*"

struct ha_change {
	char op; /* one of W A C D M R E S */
	char kind; /* one of f d l p s c b, or - */
	uint64_t seq;
	const char
	    *path; /* relative; S: the token; borrowed, unescaped, no NUL */
	const char *new_path; /* M: the new path; E: errno's name; else "" */
};

/* KIND for a st_mode (inode(7)). */
char ha_change_kind(mode_t mode);

/* Append the record and its LF, as TSV or as one JSON object. */
void ha_change_encode(struct ha_buf *line, const struct ha_change *change);
void ha_change_encode_json(struct ha_buf *line, const struct ha_change *change);

/*
 * Decode a line (without its LF), in place; the paths point into it.  Returns
 * 0, or -1 with EX_DATAERR: fewer than five fields, an unknown OP or KIND, a
 * number that is none, a bad escape, a NUL in a path, a path that leads out of
 * the root (ha_fs_path_is_inside()), an M without two paths.
 */
int ha_change_decode(char *line, struct ha_change *change, struct ha_err *err);

/* The stream's first line: "#ha-watch" and key=value fields. */
struct ha_change_header {
	unsigned version; /* 1 */
	char *root; /* absolute path; owned */
	uint64_t dev; /* st_dev and st_ino of the root */
	uint64_t ino;
	char *boot; /* /proc/sys/kernel/random/boot_id; owned */
	char **excludes; /* exclude patterns in order (match.h); owned */
	size_t exclude_count;
};

void ha_change_header_init(struct ha_change_header *header);
void ha_change_header_release(struct ha_change_header *header);
/* Append a copy of pattern. */
void ha_change_header_add_exclude(
    struct ha_change_header *header, const char *pattern);

/* Append the line and its LF. */
void ha_change_header_encode(
    struct ha_buf *line, const struct ha_change_header *header);
void ha_change_header_encode_json(
    struct ha_buf *line, const struct ha_change_header *header);

/*
 * Decode a "#ha-watch" line (without its LF), in place.  header has been
 * initialised; unknown keys are ignored.  EX_DATAERR when root, dev or ino is
 * missing or damaged, or the version is not 1.
 */
int ha_change_header_decode(
    char *line, struct ha_change_header *header, struct ha_err *err);

#endif
