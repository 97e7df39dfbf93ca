/* SPDX-License-Identifier: ISC */
/*
 * sshconf - what OpenSSH's configuration says about a host.
 *
 * The answer of `ssh -G` is one "option value" a line, options in lower case.
 */
#include "sshconf.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "alloc.h"
#include "buf.h"
#include "clock.h"
#include "run.h"

static void
list_add(struct sshconf_list *list, const char *value)
{
	list->items =
	    ha_xrealloc(list->items, (list->count + 1) * sizeof(*list->items));
	list->items[list->count++] = ha_xstrdup(value);
}

static void
list_release(struct sshconf_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
}

/*
 * ssh prints several files on one line, expanded, separated by single spaces
 * and without quotes: what is no absolute path belongs to the one before it.
 */
static void
list_add_paths(struct sshconf_list *list, char *value)
{
	char *start = value;
	char *p = value;

	while ((p = strchr(p, ' ')) != NULL) {
		if (p[1] == '/' || p[1] == '~') {
			*p = '\0';
			list_add(list, start);
			start = p + 1;
		}
		p++;
	}
	list_add(list, start);
}

static char **
text_field(struct sshconf *conf, const char *option)
{
	const struct {
		const char *option;
		char **field;
	} fields[] = {
		{ "hostname", &conf->host },
		{ "user", &conf->user },
		{ "hostkeyalias", &conf->alias },
		{ "addressfamily", &conf->address_family },
		{ "bindaddress", &conf->bind_address },
		{ "proxycommand", &conf->proxy_command },
		{ "proxyjump", &conf->proxy_jump },
		{ "identityagent", &conf->agent },
		{ "ciphers", &conf->ciphers },
		{ "macs", &conf->macs },
		{ "kexalgorithms", &conf->kex },
		{ "hostkeyalgorithms", &conf->host_key_algorithms },
		{ "revokedhostkeys", &conf->revoked_list },
		{ "pkcs11provider", &conf->pkcs11 },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (strcmp(fields[i].option, option) == 0)
			return fields[i].field;
	return NULL;
}

static void
take_option(struct sshconf *conf, const char *option, char *value)
{
	char **field = text_field(conf, option);

	if (field != NULL) {
		free(*field);
		*field = ha_xstrdup(value);
	} else if (strcmp(option, "port") == 0) {
		conf->port = atoi(value);
	} else if (strcmp(option, "identitiesonly") == 0) {
		conf->identities_only = strcmp(value, "yes") == 0;
	} else if (strcmp(option, "gssapiauthentication") == 0) {
		conf->gssapi = strcmp(value, "yes") == 0;
	} else if (strcmp(option, "forkafterauthentication") == 0) {
		conf->forks = strcmp(value, "yes") == 0;
	} else if (strcmp(option, "connecttimeout") == 0) {
		if (strcmp(value, "none") != 0)
			conf->connect_ms = atoi(value) * INT64_C(1000);
	} else if (strcmp(option, "identityfile") == 0) {
		if (strcmp(value, "none") != 0)
			list_add(&conf->identities, value);
	} else if (strcmp(option, "certificatefile") == 0) {
		if (strcmp(value, "none") != 0)
			list_add(&conf->certificates, value);
	} else if (strcmp(option, "userknownhostsfile") == 0) {
		list_add_paths(&conf->user_known, value);
	} else if (strcmp(option, "globalknownhostsfile") == 0) {
		list_add_paths(&conf->global_known, value);
	}
}

static void
take_answer(struct sshconf *conf, char *text)
{
	char *next;

	for (char *line = text; line != NULL; line = next) {
		char *value;

		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		value = strchr(line, ' ');
		if (value == NULL)
			continue;
		*value++ = '\0';
		take_option(conf, line, value);
	}
}

/* "~" and "~name" as a shell has them; a name that is unknown stays. */
static const char *
home_of(const char *name)
{
	const struct passwd *pw;

	if (*name == '\0' && getenv("HOME") != NULL)
		return getenv("HOME");
	pw = *name != '\0' ? getpwnam(name) : getpwuid(getuid());
	return pw != NULL ? pw->pw_dir : NULL;
}

static const char *
add_home(struct ha_buf *out, const char *text)
{
	size_t len = strcspn(text, "/");
	char *name = ha_xmemdup(text + 1, len - 1);
	const char *home = home_of(name);

	free(name);
	if (home == NULL)
		return text;
	ha_buf_add_str(out, home);
	return text + len;
}

static void
add_local_user(struct ha_buf *out)
{
	const struct passwd *pw = getpwuid(getuid());

	ha_buf_add_str(out, pw != NULL ? pw->pw_name : "");
}

static void
add_local_host(struct ha_buf *out, int is_short)
{
	char name[256] = "";

	gethostname(name, sizeof(name) - 1);
	if (is_short)
		name[strcspn(name, ".")] = '\0';
	ha_buf_add_str(out, name);
}

/* Source: ssh_config(5), TOKENS. */
static int
add_token(struct ha_buf *out, const struct sshconf *conf, char token,
    struct ha_err *err)
{
	const char *home = home_of("");

	switch (token) {
	case '%':
		ha_buf_add_char(out, '%');
		return 0;
	case 'd':
		ha_buf_add_str(out, home != NULL ? home : "");
		return 0;
	case 'h':
		ha_buf_add_str(out, conf->host);
		return 0;
	case 'i':
		ha_buf_addf(out, "%lu", (unsigned long)getuid());
		return 0;
	case 'j':
		ha_buf_add_str(out, conf->proxy_jump ? conf->proxy_jump : "");
		return 0;
	case 'k':
		ha_buf_add_str(out, conf->alias ? conf->alias : conf->typed);
		return 0;
	case 'L':
	case 'l':
		add_local_host(out, token == 'L');
		return 0;
	case 'n':
		ha_buf_add_str(out, conf->typed);
		return 0;
	case 'p':
		ha_buf_addf(out, "%d", conf->port);
		return 0;
	case 'r':
		ha_buf_add_str(out, conf->user);
		return 0;
	case 'u':
		add_local_user(out);
		return 0;
	}
	return ha_err_set(err, EX_CONFIG, 0,
	    "token %%%c of ssh's configuration is not supported here", token);
}

static const char *
add_variable(struct ha_buf *out, const char *text)
{
	size_t len = strcspn(text, "}");
	char *name = ha_xmemdup(text + 2, len - 2);
	const char *value = getenv(name);

	if (value != NULL)
		ha_buf_add_str(out, value);
	free(name);
	return text + len + 1;
}

/*
 * Replace *text by its expansion.  A path's leading "~" and its ${NAME} are
 * expanded; in a command they are the shell's.
 */
static int
expand(const struct sshconf *conf, char **text, int is_path, struct ha_err *err)
{
	struct ha_buf out = HA_BUF_INIT;
	const char *p = *text;

	if (is_path && *p == '~')
		p = add_home(&out, p);
	while (*p != '\0') {
		if (*p == '%' && p[1] != '\0') {
			if (add_token(&out, conf, p[1], err) < 0) {
				ha_buf_release(&out);
				return -1;
			}
			p += 2;
		} else if (is_path && p[0] == '$' && p[1] == '{' &&
			   strchr(p, '}') != NULL) {
			p = add_variable(&out, p);
		} else {
			ha_buf_add_char(&out, *p++);
		}
	}
	free(*text);
	*text = ha_buf_detach(&out);
	return 0;
}

static int
expand_list(
    const struct sshconf *conf, struct sshconf_list *list, struct ha_err *err)
{
	for (size_t i = 0; i < list->count; i++)
		if (expand(conf, &list->items[i], 1, err) < 0)
			return -1;
	return 0;
}

static void
forget_none(char **value)
{
	if (*value != NULL && strcmp(*value, "none") == 0) {
		free(*value);
		*value = NULL;
	}
}

/* SSH_AUTH_SOCK is the default, and also a value of IdentityAgent. */
static int
find_agent(struct sshconf *conf, struct ha_err *err)
{
	const char *variable = NULL;

	if (conf->agent == NULL || strcmp(conf->agent, "SSH_AUTH_SOCK") == 0)
		variable = getenv("SSH_AUTH_SOCK");
	else if (conf->agent[0] == '$' && conf->agent[1] != '{')
		variable = getenv(conf->agent + 1);
	else if (strcmp(conf->agent, "none") != 0)
		return expand(conf, &conf->agent, 1, err);
	free(conf->agent);
	conf->agent = variable != NULL ? ha_xstrdup(variable) : NULL;
	return 0;
}

static int
finish(struct sshconf *conf, struct ha_err *err)
{
	if (conf->host == NULL || conf->user == NULL || conf->port < 1 ||
	    conf->port > 65535)
		return ha_err_set(err, EX_CONFIG, 0,
		    "ssh -G %s gives no host name, user or port", conf->typed);
	forget_none(&conf->alias);
	forget_none(&conf->bind_address);
	forget_none(&conf->proxy_command);
	forget_none(&conf->proxy_jump);
	forget_none(&conf->revoked_list);
	forget_none(&conf->pkcs11);
	if (find_agent(conf, err) < 0)
		return -1;
	if (conf->proxy_command != NULL &&
	    expand(conf, &conf->proxy_command, 0, err) < 0)
		return -1;
	if (expand_list(conf, &conf->identities, err) < 0)
		return -1;
	return expand_list(conf, &conf->certificates, err);
}

/* The last line of ssh's complaint is its reason; the rest repeats it. */
static int
refused(const struct sshconf *conf, struct ha_buf *errors, struct ha_err *err)
{
	char *end;

	while (errors->len > 0 && strchr("\r\n", errors->data[errors->len - 1]))
		ha_buf_truncate(errors, errors->len - 1);
	while ((end = strchr(errors->data, '\n')) != NULL)
		*end = ';';
	return ha_err_set(err, EX_CONFIG, 0, "ssh -G %s fails: %.500s",
	    conf->typed, errors->len > 0 ? errors->data : "no reason given");
}

static int
ask(struct sshconf *conf, const char *user, int64_t timeout_ms,
    struct ha_buf *answer, struct ha_buf *errors, struct ha_err *err)
{
	struct ha_run run = HA_RUN_INIT;
	const char *argv[12] = { "ssh", "-G", "-T" };
	size_t n = 3;
	int status;

	if (conf->file != NULL) {
		argv[n++] = "-F";
		argv[n++] = conf->file;
	}
	if (user != NULL) {
		argv[n++] = "-l";
		argv[n++] = user;
	}
	argv[n++] = "--";
	argv[n] = conf->typed;
	run.argv = argv;
	if (ha_run_capture(&run, ha_clock_deadline(timeout_ms), answer, errors,
		&status, err) < 0)
		return -1;
	return status == 0 ? 0 : refused(conf, errors, err);
}

int
sshconf_load(struct sshconf *conf, const char *host, const char *user,
    const char *file, int64_t timeout_ms, struct ha_err *err)
{
	struct ha_buf answer = HA_BUF_INIT;
	struct ha_buf errors = HA_BUF_INIT;
	int rc;

	memset(conf, 0, sizeof(*conf));
	conf->typed = ha_xstrdup(host);
	conf->file = file;
	conf->login = user;
	conf->connect_ms = -1;
	if (*host == '\0' || *host == '-' || (user != NULL && *user == '-'))
		return ha_err_set(err, EX_USAGE, 0,
		    "'%s' can't be a host or user name", host);
	rc = ask(conf, user, timeout_ms, &answer, &errors, err);
	if (rc == 0) {
		take_answer(conf, answer.data);
		rc = finish(conf, err);
	}
	ha_buf_release(&answer);
	ha_buf_release(&errors);
	return rc;
}

void
sshconf_release(struct sshconf *conf)
{
	char *texts[] = { conf->typed, conf->host, conf->user, conf->alias,
		conf->address_family, conf->bind_address, conf->proxy_command,
		conf->proxy_jump, conf->agent, conf->ciphers, conf->macs,
		conf->kex, conf->host_key_algorithms, conf->revoked_list,
		conf->pkcs11 };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		free(texts[i]);
	list_release(&conf->identities);
	list_release(&conf->certificates);
	list_release(&conf->user_known);
	list_release(&conf->global_known);
	memset(conf, 0, sizeof(*conf));
}

static int
words_have(const char *list, const char *word, size_t len)
{
	for (const char *p = list; p != NULL && *p != '\0';) {
		size_t n = strcspn(p, ",");

		if (n == len && memcmp(p, word, len) == 0)
			return 1;
		p += n;
		p += *p == ',';
	}
	return 0;
}

static void
words_add(struct ha_buf *list, const char *word, size_t len)
{
	if (words_have(list->data, word, len))
		return;
	if (list->len > 0)
		ha_buf_add_char(list, ',');
	ha_buf_add(list, word, len);
}

void
sshconf_pick(struct ha_buf *list, const char *words, const char *allowed)
{
	for (const char *p = words; *p != '\0';) {
		size_t n = strcspn(p, ",");

		if (allowed == NULL || words_have(allowed, p, n))
			words_add(list, p, n);
		p += n;
		p += *p == ',';
	}
}
