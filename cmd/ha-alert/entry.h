/* SPDX-License-Identifier: ISC */
/*
 * entry - what a file of the spool says.
 *
 * A file of new/ is its alerts, each an item.  In queue/ and failed/ the name
 * ID.N means alert N of such a file, which several names share; a file with
 * "#item" lines is one entry as a whole, whatever its name.
 */
#ifndef ALERT_ENTRY_H
#define ALERT_ENTRY_H

#include <stddef.h>
#include <sys/types.h>

#include "alert.h"
#include "buf.h"
#include "err.h"

struct entry {
	char *channels; /* of new/: "ops,pager"; else "" */
	char *note; /* struct alert_bundle's; or NULL */
	struct alert *alerts;
	size_t count;
	struct alert_item *items; /* into alerts */
	size_t item_count;
	size_t left_out;
	char **members; /* the names of those that became this one */
	size_t member_count;
	int is_one; /* it has "#item" lines */
	int is_alone; /* nothing is to become one with it */
};

/* The file that was read last: names in their order share it. */
struct entry_reader {
	int fd; /* open, so that no other file gets its number; -1: none */
	dev_t dev;
	ino_t ino;
	struct ha_buf content;
	char **lines;
	size_t line_count;
};

void entry_reader_init(struct entry_reader *reader);
void entry_reader_release(struct entry_reader *reader);

/*
 * Read the entry of this name.  is_whole: a file of new/, all of it.
 * EX_NOINPUT: it is gone; EX_DATAERR: it is no file of ours, or torn; EX_IOERR.
 */
int entry_read(struct entry_reader *reader, int dir_fd, const char *name,
    int is_whole, struct entry *entry, struct ha_err *err);
void entry_release(struct entry *entry);

/* What stands in a file beside the bundle's items. */
struct entry_header {
	const char *channels; /* of new/; or NULL */
	const char *const *members;
	size_t member_count;
	int is_alone;
};

/* Append the content of a file of "#item" lines. */
void entry_encode(struct ha_buf *content, const struct alert_bundle *bundle,
    const struct entry_header *header);

/* "ID.N" of alert N; the caller frees it. */
char *entry_name(const char *id, size_t n);

#endif
