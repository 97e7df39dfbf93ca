/* SPDX-License-Identifier: ISC */
/*
 * hostkey - is the key that a host shows the one that is known for it?
 *
 * Keys are compared as base64 text, which is how known-hosts files hold them.
 */
#include "hostkey.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "run.h"
#include "wire.h"

static char *
lower(const char *text)
{
	char *copy = ha_xstrdup(text);

	for (char *p = copy; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return copy;
}

static char *
lookup_name(const struct sshconf *conf)
{
	if (conf->alias != NULL)
		return lower(conf->alias);
	if (conf->port == 22)
		return lower(conf->host);
	return ha_xasprintf("[%s]:%d", conf->host, conf->port);
}

static struct hostkey_line *
new_line(struct hostkeys *keys)
{
	keys->lines =
	    ha_xrealloc(keys->lines, (keys->count + 1) * sizeof(*keys->lines));
	return &keys->lines[keys->count++];
}

/* "[MARKER] NAMES TYPE KEY [COMMENT]" */
static void
take_line(struct hostkeys *keys, char *text, const char *file,
    unsigned long number, int portless)
{
	enum hostkey_marker marker = HOSTKEY_KNOWN;
	char *rest = text;
	char *word = strsep(&rest, " \t");
	char *type, *key;
	struct hostkey_line *line;

	if (*word == '@') {
		marker = strcmp(word, "@revoked") == 0 ? HOSTKEY_REVOKED
						       : HOSTKEY_AUTHORITY;
		strsep(&rest, " \t");
	}
	type = strsep(&rest, " \t");
	key = strsep(&rest, " \t");
	if (type == NULL || key == NULL)
		return;
	line = new_line(keys);
	line->marker = marker;
	line->type = ha_xstrdup(type);
	line->key = ha_xstrdup(key);
	line->file = file;
	line->number = number;
	line->portless = portless;
}

/* Each line found stands below "# Host NAME found: line N [MARKER]". */
static void
take_answer(struct hostkeys *keys, char *text, const char *file, int portless)
{
	static const char found[] = " found: line ";
	unsigned long number = 0;
	char *rest = text;
	char *line;

	while ((line = strsep(&rest, "\n")) != NULL) {
		const char *at = strstr(line, found);

		if (*line == '#' && at != NULL)
			number = strtoul(at + sizeof(found) - 1, NULL, 10);
		else if (*line != '\0' && *line != '#')
			take_line(keys, line, file, number, portless);
	}
}

static int
search(struct hostkeys *keys, const char *name, const char *file, int portless,
    int64_t deadline_ns, struct ha_err *err)
{
	const char *argv[] = { "ssh-keygen", "-F", name, "-f", file, NULL };
	struct ha_run run = HA_RUN_INIT;
	struct ha_buf out = HA_BUF_INIT;
	struct ha_buf errors = HA_BUF_INIT;
	int status;
	int rc;

	if (access(file, R_OK) < 0)
		return 0;
	run.argv = argv;
	rc = ha_run_capture(&run, deadline_ns, &out, &errors, &status, err);
	if (rc == 0)
		take_answer(keys, out.data, file, portless);
	ha_buf_release(&out);
	ha_buf_release(&errors);
	return rc;
}

static int
search_all(struct hostkeys *keys, const char *name, int portless,
    int64_t deadline_ns, struct ha_err *err)
{
	const struct sshconf_list *const lists[2] = { &keys->conf->user_known,
		&keys->conf->global_known };

	for (size_t n = 0; n < 2; n++)
		for (size_t i = 0; i < lists[n]->count; i++)
			if (search(keys, name, lists[n]->items[i], portless,
				deadline_ns, err) < 0)
				return -1;
	return 0;
}

/* As OpenSSH: a key known for the bare name is good for any of its ports. */
int
hostkeys_load(struct hostkeys *keys, const struct sshconf *conf,
    int64_t timeout_ms, struct ha_err *err)
{
	int64_t deadline_ns = ha_clock_deadline(timeout_ms);

	memset(keys, 0, sizeof(*keys));
	keys->conf = conf;
	keys->name = lookup_name(conf);
	if (search_all(keys, keys->name, 0, deadline_ns, err) < 0)
		return -1;
	if (keys->count > 0 || conf->alias != NULL || conf->port == 22)
		return 0;
	return search_all(keys, conf->host, 1, deadline_ns, err);
}

void
hostkeys_release(struct hostkeys *keys)
{
	for (size_t i = 0; i < keys->count; i++) {
		free(keys->lines[i].type);
		free(keys->lines[i].key);
	}
	free(keys->lines);
	free(keys->name);
	memset(keys, 0, sizeof(*keys));
}

/* Certificates can't be verified here, so none is asked for. */
static void
add_plain(struct ha_buf *out, const char *words)
{
	char *copy = ha_xstrdup(words);
	char *rest = copy;
	char *word;

	while ((word = strsep(&rest, ",")) != NULL)
		if (strstr(word, "-cert-") == NULL)
			sshconf_pick(out, word, NULL);
	free(copy);
}

void
hostkeys_known_algorithms(const struct hostkeys *keys, struct ha_buf *out)
{
	static const char rsa[] = "rsa-sha2-512,rsa-sha2-256,ssh-rsa";
	const char *allowed = keys->conf->host_key_algorithms;

	for (size_t i = 0; i < keys->count; i++) {
		const struct hostkey_line *line = &keys->lines[i];

		if (line->marker != HOSTKEY_KNOWN)
			continue;
		sshconf_pick(out,
		    strcmp(line->type, "ssh-rsa") == 0 ? rsa : line->type,
		    allowed);
	}
}

void
hostkeys_algorithms(const struct hostkeys *keys, struct ha_buf *out)
{
	const char *allowed = keys->conf->host_key_algorithms;

	hostkeys_known_algorithms(keys, out);
	if (allowed != NULL)
		add_plain(out, allowed);
}

void
hostkeys_types(const struct hostkeys *keys, struct ha_buf *out)
{
	for (size_t i = 0; i < keys->count; i++)
		if (keys->lines[i].marker == HOSTKEY_KNOWN)
			sshconf_pick(out, keys->lines[i].type, NULL);
}

void
hostkey_base64(struct ha_buf *out, const void *data, size_t len, int padded)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = data;

	while (len > 0) {
		size_t n = len < 3 ? len : 3;
		unsigned long bits = (unsigned long)p[0] << 16;

		bits |= n > 1 ? (unsigned long)p[1] << 8 : 0;
		bits |= n > 2 ? p[2] : 0;
		for (size_t i = 0; i <= n; i++)
			ha_buf_add_char(out, digits[bits >> (18 - 6 * i) & 63]);
		for (size_t i = n; padded && i < 3; i++)
			ha_buf_add_char(out, '=');
		p += n;
		len -= n;
	}
}

static int
refuse_revoked(const struct hostkeys *keys, const struct hostkey_line *line,
    struct ha_err *err)
{
	if (line == NULL)
		return ha_err_set(err, EX_NOPERM, 0,
		    "the key that %s shows is REVOKED in %s: the host may be "
		    "an impostor; nothing was sent",
		    keys->name,
		    keys->conf->revoked_list != NULL ? keys->conf->revoked_list
						     : "a known-hosts file");
	return ha_err_set(err, EX_NOPERM, 0,
	    "the key that %s shows is REVOKED in %s, line %lu: "
	    "the host may be an impostor; nothing was sent",
	    keys->name, line->file, line->number);
}

static int
refuse_changed(const struct hostkeys *keys, const struct hostkey_line *line,
    const char *type, const char *print, struct ha_err *err)
{
	const struct sshconf *conf = keys->conf;

	return ha_err_set(err, EX_NOPERM, 0,
	    "THE HOST KEY OF %s HAS CHANGED: it shows %s %s, but %s, "
	    "line %lu, holds another %s key; somebody may be listening. If the "
	    "host was set up anew: ssh-keygen -R '%s' -f '%s', "
	    "then accept the new key with: ssh%s%s -p %d %s true",
	    keys->name, type, print, line->file, line->number, line->type,
	    keys->name, line->file, conf->file ? " -F " : "",
	    conf->file ? conf->file : "", conf->port, conf->typed);
}

static int
refuse_unknown(const struct hostkeys *keys, const char *type, const char *print,
    const char *note, struct ha_err *err)
{
	const struct sshconf *conf = keys->conf;

	return ha_err_set(err, EX_NOPERM, 0,
	    "the host key of %s is unknown: it shows %s %s%s. Compare "
	    "that with `ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub` on the "
	    "host, then accept it with: ssh%s%s -p %d %s true",
	    keys->name, type, print, note, conf->file ? " -F " : "",
	    conf->file ? conf->file : "", conf->port, conf->typed);
}

/* The line that a changed key is compared with: of its type, or the first. */
static const struct hostkey_line *
other_line(const struct hostkeys *keys, const char *type)
{
	const struct hostkey_line *other = NULL;

	for (size_t i = 0; i < keys->count; i++) {
		const struct hostkey_line *line = &keys->lines[i];

		if (line->marker == HOSTKEY_KNOWN && !line->portless &&
		    (other == NULL || strcmp(line->type, type) == 0))
			other = line;
	}
	return other;
}

static const struct hostkey_line *
marked_line(const struct hostkeys *keys, enum hostkey_marker marker)
{
	for (size_t i = 0; i < keys->count; i++)
		if (keys->lines[i].marker == marker)
			return &keys->lines[i];
	return NULL;
}

int
hostkeys_have_authority(const struct hostkeys *keys)
{
	return marked_line(keys, HOSTKEY_AUTHORITY) != NULL;
}

static int
judge(const struct hostkeys *keys, const char *type, const char *key,
    const char *print, struct ha_err *err)
{
	int is_known = 0;

	for (size_t i = 0; i < keys->count; i++) {
		const struct hostkey_line *line = &keys->lines[i];
		int same = strcmp(line->key, key) == 0;

		if (same && line->marker == HOSTKEY_REVOKED)
			return refuse_revoked(keys, line, err);
		is_known |= same && line->marker == HOSTKEY_KNOWN;
	}
	if (is_known)
		return 0;
	if (other_line(keys, type) != NULL)
		return refuse_changed(
		    keys, other_line(keys, type), type, print, err);
	return refuse_unknown(keys, type, print,
	    hostkeys_have_authority(keys)
		? " (a @cert-authority line is known, but certificates are not "
		  "supported by libssh2: the plain host key has to be known, "
		  "or --transport ssh given)"
		: "",
	    err);
}

int
hostkeys_refuse(const struct hostkeys *keys, enum hostkey_fault fault,
    const char *type, const char *print, struct ha_err *err)
{
	const struct hostkey_line *revoked = marked_line(keys, HOSTKEY_REVOKED);
	const struct hostkey_line *other = other_line(keys, type);

	if (fault == HOSTKEY_IS_REVOKED)
		return refuse_revoked(keys, revoked, err);
	if (fault == HOSTKEY_HAS_CHANGED && other != NULL)
		return refuse_changed(keys, other, type, print, err);
	return refuse_unknown(keys, type, print, "", err);
}

int
hostkeys_check(const struct hostkeys *keys, const void *blob, size_t len,
    const unsigned char *sha256, struct ha_err *err)
{
	struct ha_buf key = HA_BUF_INIT;
	struct ha_buf print = HA_BUF_INIT;
	char *type = wire_key_type(blob, len);
	int rc;

	hostkey_base64(&key, blob, len, 1);
	ha_buf_add_str(&print, "SHA256:");
	hostkey_base64(&print, sha256, 32, 0);
	rc = judge(keys, type, key.data, print.data, err);
	ha_buf_release(&key);
	ha_buf_release(&print);
	free(type);
	return rc;
}
