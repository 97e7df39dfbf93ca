/* SPDX-License-Identifier: ISC */
/*
 * dialog - what several dialogs need.
 */
#include "dialog.h"

#include <string.h>

#include "probe.h"

#define MAX_QUOTE 100

const char *
dialog_awaited(const struct probe *probe)
{
	return probe->awaited != NULL ? probe->awaited
				      : probe->target->scheme->dialog->awaited;
}

void
dialog_say(struct probe *probe, const char *text, size_t len)
{
	struct seen *seen = &probe->seen;

	ha_buf_reset(&seen->words);
	ha_buf_add(&seen->words, text, len);
	ha_buf_reset(&seen->body);
	ha_buf_add(&seen->body, text, len);
	seen->size = len;
}

int
dialog_line(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && n < MAX_QUOTE && text[n] != '\r' && text[n] != '\n')
		n++;
	return (int)n;
}
