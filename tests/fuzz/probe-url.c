/* SPDX-License-Identifier: ISC */
/*
 * probe-url - wherever a server says that it redirects to.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = ha_xmemdup(data, size);
	struct url url;

	if (url_split(&url, text) == 0) {
		if (url.port == 0 || *url.host == '\0' || url.rest < text ||
		    url.rest > text + strlen(text) ||
		    !url_is_same_origin(&url, &url))
			abort();
		for (const char *p = url.host; *p != '\0'; p++)
			if (!isalnum((unsigned char)*p) &&
			    strchr(".-_:%", *p) == NULL)
				abort();
		url_release(&url);
	}
	free(text);
	return 0;
}
