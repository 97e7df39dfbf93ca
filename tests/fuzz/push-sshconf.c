/* SPDX-License-Identifier: ISC */
/*
 * push-sshconf - what `ssh -G` prints: read, expanded, released.  The source
 * is read in for its static functions.
 */
#include "sshconf.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = ha_xmemdup(data, size);
	struct sshconf conf;
	struct ha_err err;

	memset(&conf, 0, sizeof(conf));
	conf.typed = ha_xstrdup("host");
	take_answer(&conf, text);
	if (finish(&conf, &err) == 0 &&
	    (conf.host == NULL || conf.port < 1 || conf.port > 65535))
		abort();
	sshconf_release(&conf);
	free(text);
	return 0;
}
