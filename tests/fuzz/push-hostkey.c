/* SPDX-License-Identifier: ISC */
/*
 * push-hostkey - what `ssh-keygen -F` prints, and the key that a server shows:
 * only a key that stands there is accepted.
 */
#include "hostkey.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned char print[32] = { 1 };
	char *text = ha_xmemdup(data, size);
	size_t split = strlen(text) < size ? strlen(text) + 1 : size;
	struct sshconf conf = { .typed = text, .host = text, .port = 22 };
	struct hostkeys keys = { .conf = &conf };
	struct ha_buf words = HA_BUF_INIT;
	struct ha_err err;

	conf.typed = conf.host = ha_xstrdup("host");
	keys.name = lookup_name(&conf);
	take_answer(&keys, text, "file", size & 1);
	hostkeys_algorithms(&keys, &words);
	hostkeys_types(&keys, &words);
	if (hostkeys_check(&keys, data + split, size - split, print, &err) ==
		0 &&
	    keys.count == 0)
		abort();
	hostkeys_release(&keys);
	ha_buf_release(&words);
	free(conf.host);
	free(text);
	return 0;
}
