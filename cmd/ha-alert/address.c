/* SPDX-License-Identifier: ISC */
/* address - who gets a mail: the bare addresses of a list. */
#include "address.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

#define ADDRESS_MAX 254

/* To the comma that ends the part at p, or to the end. */
static size_t
part_len(const char *p)
{
	int is_quoted = 0;
	size_t i;

	for (i = 0; p[i] != '\0' && (is_quoted || p[i] != ','); i++) {
		if (p[i] == '"')
			is_quoted = !is_quoted;
		else if (p[i] == '\\' && is_quoted && p[i + 1] != '\0')
			i++;
	}
	return i;
}

/* The bare address of a part: what stands in <>, or all but the blanks. */
static const char *
bare(const char *part, size_t *len)
{
	const char *end = part + *len;
	const char *open, *close;

	while (part < end && *part == ' ')
		part++;
	while (end > part && end[-1] == ' ')
		end--;
	close = end > part && end[-1] == '>' ? end - 1 : NULL;
	open =
	    close != NULL ? memrchr(part, '<', (size_t)(close - part)) : NULL;
	if (open != NULL) {
		part = open + 1;
		end = close;
	}
	*len = (size_t)(end - part);
	return part;
}

static int
is_address(const char *text, size_t len)
{
	const char *at = memrchr(text, '@', len);

	if (len == 0 || len > ADDRESS_MAX || *text == '-')
		return 0;
	if (at == text || at == text + len - 1)
		return 0;
	for (size_t i = 0; i < len; i++)
		if (text[i] <= 0x20 || text[i] >= 0x7f ||
		    strchr("<>()[]\\,;:\"", text[i]) != NULL ||
		    (text[i] == '@' && text + i != at))
			return 0;
	return 1;
}

static void
add(struct address_list *list, const char *text, size_t len)
{
	for (size_t i = 0; i < list->count; i++)
		if (strncmp(list->addresses[i], text, len) == 0 &&
		    list->addresses[i][len] == '\0')
			return;
	list->addresses = ha_xrealloc(
	    list->addresses, (list->count + 2) * sizeof(*list->addresses));
	list->addresses[list->count++] = ha_xmemdup(text, len);
	list->addresses[list->count] = NULL;
}

int
address_add(struct address_list *list, const char *text, struct ha_err *err)
{
	for (;;) {
		size_t len = part_len(text), bare_len = len;
		const char *address = bare(text, &bare_len);

		if (!is_address(address, bare_len))
			return ha_err_set(err, EX_CONFIG, 0,
			    "'%.*s' is no mail address", (int)len, text);
		add(list, address, bare_len);
		if (text[len] == '\0')
			return 0;
		text += len + 1;
	}
}

static int
add_setting(struct address_list *list, const struct channel *channel,
    const char *key, struct ha_err *err)
{
	const char *value = channel_get(channel, key);

	return value != NULL ? address_add(list, value, err) : 0;
}

int
address_envelope(const struct channel *channel, struct address_list *from,
    struct address_list *to, struct ha_err *err)
{
	const char *key = channel_get(channel, "envelope-from") != NULL
			      ? "envelope-from"
			      : "from";

	if (add_setting(from, channel, key, err) == 0 &&
	    add_setting(to, channel, "to", err) == 0 &&
	    add_setting(to, channel, "cc", err) == 0)
		return 0;
	address_release(from);
	address_release(to);
	return -1;
}

void
address_release(struct address_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->addresses[i]);
	free(list->addresses);
	*list = (struct address_list){ NULL, 0 };
}
