/* SPDX-License-Identifier: ISC */
/* ask - what checks of paths and processes have in common. */
#include "ask.h"

#include <errno.h>
#include <limits.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "helper.h"

int
ask_make_absolute(struct check *check, struct ha_err *err)
{
	const char *p = check->argument;
	struct ha_buf path = HA_BUF_INIT;
	char cwd[PATH_MAX] = "";
	size_t len;

	if (*p != '/' && !getcwd(cwd, sizeof(cwd)))
		return ha_err_set(
		    err, EX_USAGE, errno, "'%s' is relative, to what", p);
	ha_buf_add_str(&path, strcmp(cwd, "/") != 0 ? cwd : "");
	for (; *p; p += len) {
		p += strspn(p, "/");
		len = strcspn(p, "/");
		if (len && !(len == 1 && *p == '.'))
			ha_buf_addf(&path, "/%.*s", (int)len, p);
	}
	if (!path.len)
		ha_buf_add_char(&path, '/');
	free(check->argument);
	check->argument = ha_buf_detach(&path);
	return 0;
}

int
ask_parse_regex(struct setting *setting, const char *text, struct ha_err *err)
{
	regex_t *regex = ha_xmalloc(sizeof(*regex));
	int code = regcomp(regex, text, REG_EXTENDED | REG_NOSUB);
	char words[128];

	if (code) {
		regerror(code, regex, words, sizeof(words));
		free(regex);
		return ha_err_set(err, EX_USAGE, 0, "'%s': %s", text, words);
	}
	setting->value = regex;
	return 0;
}

const char *
ask_key(const struct mount *mount)
{
	return mount && mount->may_block ? mount->point : NULL;
}

void
ask_in_helper(struct check *check, const char *key,
    int (*work)(const void *argument, struct ha_buf *answer),
    const void *argument)
{
	struct helper_task task = {
		.key = key,
		.work = work,
		.argument = argument,
		.deadline_ns = check->deadline_ns,
	};

	/* For the words if there is no answer; judge() has better ones. */
	check_subject(check, "%s:", check->argument);
	check->helper = helper_start(&task);
}

int
ask_answer(struct check *check, void *answer, size_t size)
{
	const struct ha_buf *bytes = helper_answer(check->helper);
	struct ha_err err;

	if (bytes->len == size) {
		memcpy(answer, bytes->data, size);
		return 0;
	}
	ha_err_set(&err, EX_OSERR, 0, "the helper process ended with %d",
	    helper_status(check->helper));
	check_fail(check, &err);
	return -1;
}

enum ha_status_state
ask_state(int sys)
{
	switch (sys) {
	case EACCES:
	case EPERM:
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		return HA_STATUS_UNKNOWN;
	default:
		return HA_STATUS_CRIT;
	}
}

double
ask_age_s(const struct timespec *time)
{
	struct timespec now;
	double age;

	clock_gettime(CLOCK_REALTIME, &now);
	age = (double)(now.tv_sec - time->tv_sec) +
	      (double)(now.tv_nsec - time->tv_nsec) / 1e9;
	return age < 0 ? 0 : age;
}
