/* SPDX-License-Identifier: ISC */
/*
 * probe-dialogs - whatever a service says, and in whatever pieces, each dialog
 * ends with an answer when the service does.
 */
#include <stdint.h>

#include "talk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct dialog *const dialogs[] = { &dialog_ssh, &dialog_mysql,
	&dialog_redis, &dialog_memcached, &dialog_dns, &dialog_ntp };

/* Datagrams: the number that the dialog sent, so that it listens. */
static void
repeat_number(struct talk *talk, uint8_t *packet, size_t size)
{
	if (talk->dialog == &dialog_dns && size >= 2)
		memcpy(packet, talk->sent.data, 2);
	if (talk->dialog == &dialog_ntp && size >= 32)
		memcpy(packet + 24, talk->sent.data + 40, 8);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[] = "/a?type=SOA";
	struct talk talk;
	uint8_t *packet;

	if (size < 2)
		return 0;
	talk_open(&talk, dialogs[data[0] % 6], path);
	packet = (uint8_t *)ha_xmemdup(data + 2, size - 2);
	repeat_number(&talk, packet, size - 2);
	talk_hear(&talk, packet, size - 2, data[0] % 6 < 4 ? data[1] : 0);
	talk_end(&talk);
	if (talk.step == DIALOG_MORE)
		abort();
	free(packet);
	talk_close(&talk);
	return 0;
}
