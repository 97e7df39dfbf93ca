/* SPDX-License-Identifier: ISC */
/* target - takes [USER@]HOST:DIR apart. */
#include "target.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

static int
bad_target(struct target *target, struct ha_err *err)
{
	return ha_err_set(
	    err, EX_USAGE, 0, "'%s' is not [USER@]HOST:DIR", target->typed);
}

/* Without "~/", which only a shell knows, and slashes at the end. */
static int
clean_dir(struct target *target, struct ha_err *err)
{
	char *dir = target->dir;

	if (strcmp(dir, "~") == 0 || strcmp(dir, "~/") == 0)
		strcpy(dir, ".");
	else if (strncmp(dir, "~/", 2) == 0)
		memmove(dir, dir + 2, strlen(dir + 2) + 1);
	else if (dir[0] == '~')
		return ha_err_set(err, EX_USAGE, 0,
		    "%s: write the directory in full instead of ~",
		    target->typed);
	for (size_t n = strlen(dir); n > 1 && dir[n - 1] == '/'; n--)
		dir[n - 1] = '\0';
	return 0;
}

int
target_parse(struct target *target, const char *text, struct ha_err *err)
{
	char *host, *colon, *at;

	target->typed = ha_xstrdup(text);
	target->host = host = ha_xstrdup(text);
	target->user = target->dir = NULL;
	colon = host[0] == '[' || strstr(host, "@[") != NULL
		    ? strstr(host, "]:")
		    : strchr(host, ':');
	if (colon != NULL && *colon == ']')
		colon++;
	/* A second colon would have rsync ask for a daemon's module. */
	if (colon == NULL || colon[1] == '\0' || colon[1] == ':')
		return bad_target(target, err);
	*colon = '\0';
	target->dir = ha_xstrdup(colon + 1);
	at = strrchr(host, '@');
	if (at != NULL) {
		*at = '\0';
		target->user = ha_xstrdup(host);
		memmove(host, at + 1, strlen(at + 1) + 1);
	}
	if (host[0] == '[' && host[strlen(host) - 1] == ']') {
		host[strlen(host) - 1] = '\0';
		memmove(host, host + 1, strlen(host + 1) + 1);
	}
	if (host[0] == '\0' || host[0] == '-' ||
	    (target->user != NULL && target->user[0] == '\0'))
		return bad_target(target, err);
	return clean_dir(target, err);
}

void
target_release(struct target *target)
{
	free(target->typed);
	free(target->user);
	free(target->host);
	free(target->dir);
	target->typed = target->user = target->host = target->dir = NULL;
}
