/* SPDX-License-Identifier: ISC */
/*
 * push-rsync - what an rsync prints, here and there: item lists, complaints,
 * its version.
 */
#include "fake-transport.h"
#include "fake-wait.h"

#include <stdlib.h>
#include <string.h>

#include "peer.h"
#include "rsync.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
take_item(void *context, const char *item, const char *path)
{
	size_t *total = context;

	if (strlen(item) > 11 || path[0] == '\0')
		abort();
	*total += strlen(path);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ha_buf text = HA_BUF_INIT;
	struct rsync_caps caps;
	size_t total = 0;
	char *why;

	ha_buf_add(&text, data, size);
	rsync_each_item(&text, take_item, &total);
	if (total > size)
		abort();
	why = rsync_why(&text, 23, size > 3 ? text.data + size - 3 : NULL);
	if (strchr(why, '\n') != NULL)
		abort();
	free(why);
	(void)rsync_peer_disk_fails(&text);
	(void)peer_parse_version(text.data, &caps);
	ha_buf_release(&text);
	return 0;
}
