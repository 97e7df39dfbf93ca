/* SPDX-License-Identifier: ISC */
/*
 * conf - any file is refused or read; each byte of a word stands in the file
 * where it says.
 */
#include "conf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct file {
	const uint8_t *data;
	size_t size;
};

/* The byte at a place; -1 if there is none. */
static int
byte_at(const struct file *file, unsigned line, unsigned column)
{
	const uint8_t *p = file->data, *end = p + file->size;
	size_t at;

	if (file->size >= 3 && !memcmp(p, "\xef\xbb\xbf", 3))
		p += 3;
	while (--line && p)
		if ((p = memchr(p, '\n', (size_t)(end - p))))
			p++;
	at = column - 1;
	return p && at < (size_t)(end - p) ? p[at] : -1;
}

static int
check_line(void *context, const struct ha_conf_line *line, struct ha_err *err)
{
	const struct file *file = context;
	size_t i, at;

	if (!line->count || !line->number)
		abort();
	for (i = 0; i < line->count; i++) {
		const struct ha_conf_word *word = &line->words[i];

		for (at = 0; word->text[at]; at++)
			if (byte_at(file, word->lines[at], word->columns[at]) !=
			    (unsigned char)word->text[at])
				abort();
		if (word->lines[at] < line->number || !word->columns[at])
			abort();
	}
	return strcmp(line->words[0].text, "no")
		   ? 0
		   : ha_conf_err(line, 0, 2, err, "no");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct file file = { data, size };
	char path[32];
	struct ha_err err;
	int fd;

	/* An include would read this machine's own files. */
	if (memmem(data, size, "incl", 4))
		return -1;
	fd = memfd_create("conf", MFD_CLOEXEC);
	if (fd < 0 || (size && ha_fs_write_all(fd, data, size, &err)))
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (ha_conf_read(path, check_line, &file, &err) &&
	    (err.status != EX_CONFIG || strncmp(err.msg, path, strlen(path))))
		abort();
	close(fd);
	return 0;
}
