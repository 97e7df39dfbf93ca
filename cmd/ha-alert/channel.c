/* SPDX-License-Identifier: ISC */
/* channel - where alerts go: alert.conf. */
#include "channel.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "conf.h"
#include "keys.h"
#include "secret.h"
#include "spool.h"
#include "template.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)
#define DEFAULT_GROUP_MS 30000
#define DEFAULT_GIVE_UP_MS (3 * DAY_MS)

/* KEY=VALUE of a line. */
struct given {
	char *key, *value;
	size_t word; /* of the line; 0: a default */
};

struct givens {
	struct given *list;
	size_t count;
};

/* The name of a channel that may stand further below. */
struct mention {
	char *name;
	char *place; /* "file:line:column" */
	size_t fallback_of; /* the channel's number + 1; 0: of an alias */
};

struct reader {
	struct channels *channels;
	char *directory; /* of alert.conf */
	char *checked; /* the file whose mode has been looked at last */
	struct givens defaults;
	struct mention *mentions;
	size_t mention_count;
};

static void
add_given(struct givens *givens, const struct given *given)
{
	givens->list = ha_xrealloc(
	    givens->list, (givens->count + 1) * sizeof(*givens->list));
	givens->list[givens->count++] = (struct given){ ha_xstrdup(given->key),
		ha_xstrdup(given->value), given->word };
}

static void
release_givens(struct givens *givens)
{
	for (size_t i = 0; i < givens->count; i++) {
		free(givens->list[i].key);
		channel_forget(givens->list[i].value);
	}
	free(givens->list);
	*givens = (struct givens){ NULL, 0 };
}

/* The settings that all kinds have. */

static int
take_match(struct channel *channel, const char *value, struct ha_err *err)
{
	(void)err;
	free(channel->match);
	channel->match = ha_xstrdup(value);
	return 0;
}

static int
take_min(struct channel *channel, const char *value, struct ha_err *err)
{
	if (ha_status_parse_state(value, &channel->min) == 0 &&
	    channel->min != HA_STATUS_OK)
		return 0;
	return ha_err_set(
	    err, EX_CONFIG, 0, "'%s' is none of WARN, CRIT, UNKNOWN", value);
}

static int
take_events(struct channel *channel, const char *value, struct ha_err *err)
{
	enum ha_transition_event event;
	size_t len;
	char *name;
	int failed;

	channel->events = 0;
	for (;;) {
		len = strcspn(value, ",");
		name = ha_xmemdup(value, len);
		failed = ha_transition_parse_event(name, &event);
		if (failed)
			ha_err_set(err, EX_CONFIG, 0,
			    "'%s' is none of problem, worse, better, recovery, "
			    "reminder, flapping, stale, removed, aborted",
			    name);
		else
			channel->events |= 1U << event;
		free(name);
		if (failed)
			return -1;
		if (value[len] == '\0')
			return 0;
		value += len + 1;
	}
}

static int
take_duration(
    int64_t *ms, int64_t least_ms, const char *value, struct ha_err *err)
{
	if (ha_clock_parse_ms(value, ms, err) != 0)
		return -1;
	if (*ms < least_ms)
		return ha_err_set(
		    err, EX_CONFIG, 0, "'%s' is too short", value);
	return 0;
}

static int
take_group(struct channel *channel, const char *value, struct ha_err *err)
{
	return take_duration(&channel->group_ms, 0, value, err);
}

static int
take_give_up(struct channel *channel, const char *value, struct ha_err *err)
{
	return take_duration(&channel->give_up_ms, 1, value, err);
}

static int
take_timeout(struct channel *channel, const char *value, struct ha_err *err)
{
	return take_duration(&channel->timeout_ms, 1, value, err);
}

static int
take_rate(struct channel *channel, const char *value, struct ha_err *err)
{
	size_t digits = strspn(value, "0123456789");

	if (strcmp(value, "0") == 0) {
		channel->rate_n = 0;
		return 0;
	}
	if (digits == 0 || digits > 6 || value[digits] != '/')
		return ha_err_set(err, EX_CONFIG, 0,
		    "'%s' is no rate, as 20/10m is one", value);
	channel->rate_n = strtol(value, NULL, 10);
	if (channel->rate_n == 0)
		return ha_err_set(
		    err, EX_CONFIG, 0, "no limit is rate=0, alone");
	return take_duration(&channel->rate_ms, 1, value + digits + 1, err);
}

static int
take_fallback(struct channel *channel, const char *value, struct ha_err *err)
{
	(void)err;
	free(channel->fallback);
	channel->fallback = ha_xstrdup(value);
	return 0;
}

static int
take_look(struct channel *channel, const char *value, struct ha_err *err)
{
	(void)err;
	free(channel->look);
	channel->look = ha_xstrdup(value);
	return 0;
}

static const struct common {
	const char *name;
	int (*take)(
	    struct channel *channel, const char *value, struct ha_err *err);
} commons[] = {
	{ "match", take_match },
	{ "min", take_min },
	{ "events", take_events },
	{ "group", take_group },
	{ "rate", take_rate },
	{ "give-up", take_give_up },
	{ "timeout", take_timeout },
	{ "fallback", take_fallback },
	{ "look", take_look },
};

static const struct common *
find_common(const char *name)
{
	for (size_t i = 0; i < sizeof(commons) / sizeof(commons[0]); i++)
		if (strcmp(commons[i].name, name) == 0)
			return &commons[i];
	return NULL;
}

static void
init_channel(struct channel *channel, enum channel_kind kind)
{
	*channel = (struct channel){ .kind = kind,
		.min = HA_STATUS_WARN,
		.events = (1U << HA_TRANSITION_EVENTS) - 1,
		.group_ms = DEFAULT_GROUP_MS,
		.give_up_ms = DEFAULT_GIVE_UP_MS,
		.timeout_ms = keys_kinds[kind].timeout_ms };
}

static void
release_channel(struct channel *channel)
{
	for (size_t i = 0; i < channel->count; i++) {
		free(channel->settings[i].key);
		channel_forget(channel->settings[i].value);
	}
	free(channel->settings);
	free(channel->name);
	free(channel->match);
	free(channel->fallback);
	free(channel->look);
}

/* At a word's value; err->msg has the words. */
static int
refuse_value(const struct ha_conf_line *line, size_t word, struct ha_err *err)
{
	const char *equals = strchr(line->words[word].text, '=');
	size_t offset =
	    equals != NULL ? (size_t)(equals + 1 - line->words[word].text) : 0;

	return ha_conf_err(line, word, offset, err, "%s", err->msg);
}

static int
split(const struct ha_conf_line *line, size_t word, struct given *given,
    struct ha_err *err)
{
	char *text = line->words[word].text;
	char *equals = strchr(text, '=');

	if (equals == NULL || equals == text) {
		ha_conf_err(line, word, 0, err, "a setting is KEY=VALUE");
		return -1;
	}
	for (char *p = equals + 1; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f) {
			ha_conf_err(line, word, (size_t)(p - text), err,
			    "a control character");
			return -1;
		}
	given->key = ha_xmemdup(text, (size_t)(equals - text));
	given->value = equals + 1;
	given->word = word;
	return 0;
}

/* KEY and KEY-file of a secret are one. */
static int
is_same_key(enum channel_kind kind, const char *a, const char *b)
{
	const struct key *one, *other;
	int is_file;

	if (strcmp(a, b) == 0)
		return 1;
	one = keys_find(kind, a, &is_file);
	other = keys_find(kind, b, &is_file);
	return one != NULL && one == other;
}

static int
is_given(enum channel_kind kind, const struct givens *givens, const char *key)
{
	for (size_t i = 0; i < givens->count; i++)
		if (is_same_key(kind, givens->list[i].key, key))
			return 1;
	return 0;
}

static int
take_givens(const struct ha_conf_line *line, size_t first,
    struct givens *givens, struct ha_err *err)
{
	struct given given;

	for (size_t i = first; i < line->count; i++) {
		if (split(line, i, &given, err) != 0)
			return -1;
		add_given(givens, &given);
		free(given.key);
	}
	return 0;
}

/* Does the channel's template name it?  One that can't be read names all. */
static int
is_of_template(
    const struct givens *givens, const char *directory, const char *key)
{
	const char *name = NULL;
	struct template *template;
	struct ha_err err;
	char *path;
	int found;

	for (size_t i = 0; i < givens->count; i++)
		if (strcmp(givens->list[i].key, "template") == 0)
			name = givens->list[i].value;
	if (name == NULL)
		return 0;
	path = strchr(name, '/') != NULL ? secret_path(directory, name)
					 : ha_xstrdup(name);
	found = template_open(&template, path, &err) != 0;
	if (!found) {
		found = template_takes(template, key);
		template_free(template);
	}
	free(path);
	return found;
}

static int
refuse_key(const struct ha_conf_line *line, const struct given *given,
    enum channel_kind kind, struct ha_err *err)
{
	struct ha_buf names = HA_BUF_INIT;
	const struct key *key;
	size_t i;

	for (key = keys_kinds[kind].keys; key->name != NULL; key++)
		ha_buf_addf(&names, "%s%s, ", key->name,
		    key->flags & KEY_SECRET ? "[-file]" : "");
	for (i = 0; i < sizeof(commons) / sizeof(commons[0]); i++)
		ha_buf_addf(&names, "%s%s", i > 0 ? ", " : "", commons[i].name);
	ha_conf_err(line, given->word, 0, err,
	    "'%s' is no setting of %s; it has %s", given->key,
	    keys_kinds[kind].name, names.data);
	ha_buf_release(&names);
	return -1;
}

static void
add_setting(struct channel *channel, const char *key, char *value)
{
	channel->settings = ha_xrealloc(channel->settings,
	    (channel->count + 1) * sizeof(*channel->settings));
	channel->settings[channel->count++] =
	    (struct channel_setting){ ha_xstrdup(key), value };
}

static int
names_file(const struct key *key, int is_file, const struct given *given)
{
	size_t len = strlen(given->key);

	if (key == NULL)
		return len > 5 && strcmp(given->key + len - 5, "-file") == 0;
	return is_file || (key->flags & KEY_FILE) != 0 ||
	       (strcmp(key->name, "template") == 0 &&
		   strchr(given->value, '/') != NULL);
}

/* A default that is wrong is told at its own line. */
static int
take_one(const struct reader *reader, struct channel *channel,
    const struct givens *givens, const struct given *given,
    const struct ha_conf_line *line, struct ha_err *err)
{
	const struct common *common = find_common(given->key);
	const struct key *key;
	int is_file = 0;

	if (common != NULL) {
		if (*given->value == '\0')
			ha_err_set(err, EX_CONFIG, 0, "it is empty");
		else if (common->take(channel, given->value, err) == 0)
			return 0;
		return refuse_value(line, given->word, err);
	}
	key = keys_find(channel->kind, given->key, &is_file);
	if (key == NULL &&
	    !is_of_template(givens, reader->directory, given->key))
		return refuse_key(line, given, channel->kind, err);
	if (key != NULL &&
	    keys_check_value(key, is_file, given->value, err) != 0)
		return refuse_value(line, given->word, err);
	add_setting(channel, given->key,
	    names_file(key, is_file, given)
		? secret_path(reader->directory, given->value)
		: ha_xstrdup(given->value));
	return 0;
}

static int
check_repeated(const struct ha_conf_line *line, enum channel_kind kind,
    const struct givens *givens, struct ha_err *err)
{
	const struct given *one, *other;
	const struct key *key;
	int is_file;

	for (size_t i = 0; i < givens->count; i++) {
		one = &givens->list[i];
		key = keys_find(kind, one->key, &is_file);
		for (size_t j = 0; j < i; j++) {
			other = &givens->list[j];
			if (is_same_key(kind, one->key, other->key) &&
			    (key == NULL || !(key->flags & KEY_MANY)))
				return ha_conf_err(line, one->word, 0, err,
				    "'%s' is given already", one->key);
		}
	}
	return 0;
}

static int
check_needed(const struct ha_conf_line *line, const struct channel *channel,
    const struct givens *givens, struct ha_err *err)
{
	const struct key *key = keys_kinds[channel->kind].keys;

	for (; key->name != NULL; key++)
		if ((key->flags & KEY_NEEDED) != 0 &&
		    !is_given(channel->kind, givens, key->name))
			return ha_conf_err(line, 1, 0, err,
			    "%s needs %s%s=: %s", channel->name, key->name,
			    key->flags & KEY_SECRET ? "-file" : "", key->help);
	return 0;
}

/* A default counts where the channel knows the key and does not say it. */
static void
add_defaults(
    const struct reader *reader, enum channel_kind kind, struct givens *givens)
{
	size_t own = givens->count;
	struct given given;
	int is_file;

	for (size_t i = 0; i < reader->defaults.count; i++) {
		struct givens said = { givens->list, own };

		given = reader->defaults.list[i];
		given.word = 0;
		if ((find_common(given.key) != NULL ||
			keys_find(kind, given.key, &is_file) != NULL) &&
		    !is_given(kind, &said, given.key))
			add_given(givens, &given);
	}
}

static void
mention(struct reader *reader, const struct ha_conf_line *line, size_t word,
    size_t offset, size_t fallback_of)
{
	const struct ha_conf_word *at = &line->words[word];

	reader->mentions = ha_xrealloc(reader->mentions,
	    (reader->mention_count + 1) * sizeof(*reader->mentions));
	reader->mentions[reader->mention_count++] = (struct mention){
		.name = ha_xstrdup(at->text + offset),
		.place = ha_xasprintf("%s:%u:%u", line->file, at->lines[offset],
		    at->columns[offset]),
		.fallback_of = fallback_of,
	};
}

static int
take_all(struct reader *reader, struct channel *channel, struct givens *givens,
    const struct ha_conf_line *line, struct ha_err *err)
{
	const struct keys_kind *kind = &keys_kinds[channel->kind];
	size_t number = reader->channels->count;

	if (take_givens(line, 3, givens, err) != 0 ||
	    check_repeated(line, channel->kind, givens, err) != 0)
		return -1;
	add_defaults(reader, channel->kind, givens);
	if (check_needed(line, channel, givens, err) != 0)
		return -1;
	for (size_t i = 0; i < givens->count; i++) {
		const struct given *given = &givens->list[i];

		if (take_one(reader, channel, givens, given, line, err) != 0)
			return -1;
		if (strcmp(given->key, "fallback") == 0)
			mention(reader, line, given->word,
			    given->word != 0 ? strlen("fallback=") : 0, number);
	}
	if (kind->check != NULL && kind->check(channel, err) != 0)
		return ha_conf_err(
		    line, 1, 0, err, "%s: %s", channel->name, err->msg);
	return 0;
}

static int
is_taken(const struct channels *channels, const char *name)
{
	for (size_t i = 0; i < channels->alias_count; i++)
		if (strcmp(channels->aliases[i].name, name) == 0)
			return 1;
	return channels_find(channels, name) != NULL;
}

static int
check_name(const struct reader *reader, const struct ha_conf_line *line,
    struct ha_err *err)
{
	const char *name = line->words[1].text;

	if (!spool_is_name(name))
		return ha_conf_err(
		    line, 1, 0, err, "'%s' can't be a channel's name", name);
	if (is_taken(reader->channels, name))
		return ha_conf_err(
		    line, 1, 0, err, "there is a '%s' already", name);
	return 0;
}

static int
find_kind(const char *name)
{
	for (int i = 0; i < KEYS_KINDS; i++)
		if (strcmp(keys_kinds[i].name, name) == 0)
			return i;
	return -1;
}

static int
read_channel(
    struct reader *reader, const struct ha_conf_line *line, struct ha_err *err)
{
	struct channels *channels = reader->channels;
	struct givens givens = { NULL, 0 };
	struct channel *channel;
	int kind, failed;

	if (line->count < 3)
		return ha_conf_err(
		    line, 0, 0, err, "a channel has a name and a kind");
	if (check_name(reader, line, err) != 0)
		return -1;
	kind = find_kind(line->words[2].text);
	if (kind < 0)
		return ha_conf_err(line, 2, 0, err,
		    "'%s' is no kind of channel: smtp, sendmail, webhook, "
		    "exec, file, syslog",
		    line->words[2].text);
	channels->channels = ha_xrealloc(channels->channels,
	    (channels->count + 1) * sizeof(*channels->channels));
	channel = &channels->channels[channels->count++];
	init_channel(channel, (enum channel_kind)kind);
	channel->name = ha_xstrdup(line->words[1].text);
	failed = take_all(reader, channel, &givens, line, err);
	release_givens(&givens);
	return failed;
}

static int
read_alias(
    struct reader *reader, const struct ha_conf_line *line, struct ha_err *err)
{
	struct channels *channels = reader->channels;
	struct channel_alias *alias;

	if (line->count < 3)
		return ha_conf_err(
		    line, 0, 0, err, "an alias has a name and its channels");
	if (check_name(reader, line, err) != 0)
		return -1;
	channels->aliases = ha_xrealloc(channels->aliases,
	    (channels->alias_count + 1) * sizeof(*channels->aliases));
	alias = &channels->aliases[channels->alias_count++];
	alias->name = ha_xstrdup(line->words[1].text);
	alias->count = line->count - 2;
	alias->members = ha_xcalloc(alias->count, sizeof(*alias->members));
	for (size_t i = 0; i < alias->count; i++) {
		alias->members[i] = ha_xstrdup(line->words[i + 2].text);
		mention(reader, line, i + 2, 0, 0);
	}
	return 0;
}

/* Known to all, or to a kind; what is wrong with it is told here. */
static int
check_default(const struct ha_conf_line *line, const struct given *given,
    struct ha_err *err)
{
	const struct common *common = find_common(given->key);
	const struct key *key = NULL;
	struct channel scratch;
	int is_file = 0, failed;

	if (common != NULL) {
		init_channel(&scratch, CHANNEL_FILE);
		failed = common->take(&scratch, given->value, err);
		release_channel(&scratch);
		return failed ? refuse_value(line, given->word, err) : 0;
	}
	for (int kind = 0; key == NULL && kind < KEYS_KINDS; kind++)
		key = keys_find((enum channel_kind)kind, given->key, &is_file);
	if (key == NULL)
		return ha_conf_err(line, given->word, 0, err,
		    "'%s' is no setting of any channel", given->key);
	if (keys_check_value(key, is_file, given->value, err) != 0)
		return refuse_value(line, given->word, err);
	return 0;
}

static void
forget_default(struct givens *defaults, const char *key)
{
	size_t kept = 0;

	for (size_t i = 0; i < defaults->count; i++) {
		struct given *given = &defaults->list[i];

		if (strcmp(given->key, key) != 0) {
			defaults->list[kept++] = *given;
			continue;
		}
		free(given->key);
		channel_forget(given->value);
	}
	defaults->count = kept;
}

/* Another default line replaces what it says of a key. */
static int
read_default(
    struct reader *reader, const struct ha_conf_line *line, struct ha_err *err)
{
	struct givens givens = { NULL, 0 };
	int failed = take_givens(line, 1, &givens, err);

	for (size_t i = 0; failed == 0 && i < givens.count; i++) {
		failed = check_default(line, &givens.list[i], err);
		forget_default(&reader->defaults, givens.list[i].key);
	}
	for (size_t i = 0; failed == 0 && i < givens.count; i++)
		add_given(&reader->defaults, &givens.list[i]);
	release_givens(&givens);
	return failed;
}

/* alert.conf, and each file that it includes, may hold secrets. */
static int
check_mode(struct reader *reader, const char *file, struct ha_err *err)
{
	struct stat st;

	if (reader->checked != NULL && strcmp(reader->checked, file) == 0)
		return 0;
	if (stat(file, &st) != 0)
		return ha_err_set(
		    err, EX_NOINPUT, errno, "can't read %s", file);
	if (secret_check_mode(file, &st, err) != 0)
		return -1;
	free(reader->checked);
	reader->checked = ha_xstrdup(file);
	return 0;
}

static int
read_line(void *context, const struct ha_conf_line *line, struct ha_err *err)
{
	struct reader *reader = context;
	const char *word = line->words[0].text;

	if (check_mode(reader, line->file, err) != 0)
		return -1;
	if (strcmp(word, "channel") == 0)
		return read_channel(reader, line, err);
	if (strcmp(word, "alias") == 0)
		return read_alias(reader, line, err);
	if (strcmp(word, "default") == 0)
		return read_default(reader, line, err);
	return ha_conf_err(line, 0, 0, err,
	    "'%s' is none of channel, alias, default, include", word);
}

static const struct channel *
fallback_of(const struct channels *channels, const struct channel *channel)
{
	return channel->fallback != NULL
		   ? channels_find(channels, channel->fallback)
		   : NULL;
}

/* A default fallback is meant for the others. */
static void
drop_own_fallback(struct channel *channel)
{
	if (channel->fallback == NULL ||
	    strcmp(channel->fallback, channel->name) != 0)
		return;
	free(channel->fallback);
	channel->fallback = NULL;
}

static int
check_mention(const struct channels *channels, const struct mention *mentioned,
    struct ha_err *err)
{
	const struct channel *first, *channel;
	size_t left = channels->count;

	if (channels_find(channels, mentioned->name) == NULL &&
	    mentioned->fallback_of == 0)
		return ha_err_set(err, EX_CONFIG, 0,
		    "%s: there is no channel "
		    "'%s'",
		    mentioned->place, mentioned->name);
	if (mentioned->fallback_of == 0)
		return 0;
	first = &channels->channels[mentioned->fallback_of - 1];
	if (first->fallback == NULL)
		return 0;
	channel = fallback_of(channels, first);
	if (channel == NULL)
		return ha_err_set(err, EX_CONFIG, 0,
		    "%s: there is no channel "
		    "'%s'",
		    mentioned->place, first->fallback);
	for (; channel != NULL && left > 0; left--) {
		if (channel == first)
			return ha_err_set(err, EX_CONFIG, 0,
			    "%s: %s falls back to itself in the end",
			    mentioned->place, first->name);
		channel = fallback_of(channels, channel);
	}
	return 0;
}

static int
check_mentions(struct reader *reader, struct ha_err *err)
{
	for (size_t i = 0; i < reader->mention_count; i++) {
		const struct mention *mentioned = &reader->mentions[i];

		if (check_mention(reader->channels, mentioned, err) != 0)
			return -1;
	}
	return 0;
}

static void
release_reader(struct reader *reader)
{
	for (size_t i = 0; i < reader->mention_count; i++) {
		free(reader->mentions[i].name);
		free(reader->mentions[i].place);
	}
	free(reader->mentions);
	release_givens(&reader->defaults);
	free(reader->checked);
	free(reader->directory);
}

static char *
conf_path(const char *path)
{
	const char *directory = getenv("HA_CONFIG_DIR");

	if (path != NULL)
		return ha_xstrdup(path);
	return ha_xasprintf("%s/alert.conf",
	    directory != NULL && *directory != '\0' ? directory : "/etc/ha");
}

static char *
directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *here, *directory;

	if (slash == path)
		return ha_xstrdup("/");
	if (slash != NULL && *path == '/')
		return ha_xmemdup(path, (size_t)(slash - path));
	here = getcwd(NULL, 0);
	directory = ha_xasprintf("%s/%.*s", here != NULL ? here : ".",
	    slash != NULL ? (int)(slash - path) : 0, path);
	free(here);
	return directory;
}

int
channels_read(struct channels *channels, const char *path, struct ha_err *err)
{
	struct reader reader = { .channels = channels };
	int failed;

	*channels = (struct channels){ .path = conf_path(path) };
	reader.directory = directory_of(channels->path);
	failed = check_mode(&reader, channels->path, err);
	if (failed == 0)
		failed = ha_conf_read(channels->path, read_line, &reader, err);
	for (size_t i = 0; i < channels->count; i++)
		drop_own_fallback(&channels->channels[i]);
	if (failed == 0)
		failed = check_mentions(&reader, err);
	release_reader(&reader);
	if (failed != 0)
		channels_release(channels);
	return failed;
}

void
channels_release(struct channels *channels)
{
	for (size_t i = 0; i < channels->count; i++)
		release_channel(&channels->channels[i]);
	for (size_t i = 0; i < channels->alias_count; i++) {
		struct channel_alias *alias = &channels->aliases[i];

		for (size_t j = 0; j < alias->count; j++)
			free(alias->members[j]);
		free(alias->members);
		free(alias->name);
	}
	free(channels->aliases);
	free(channels->channels);
	free(channels->path);
	*channels = (struct channels){ NULL };
}

const struct channel *
channels_find(const struct channels *channels, const char *name)
{
	for (size_t i = 0; i < channels->count; i++)
		if (strcmp(channels->channels[i].name, name) == 0)
			return &channels->channels[i];
	return NULL;
}

const char *
channel_get(const struct channel *channel, const char *key)
{
	for (size_t i = channel->count; i > 0; i--)
		if (strcmp(channel->settings[i - 1].key, key) == 0)
			return channel->settings[i - 1].value;
	return NULL;
}

const char *
channel_kind_name(enum channel_kind kind)
{
	return keys_kinds[kind].name;
}

/* It may become a header, or part of a URL. */
static int
check_secret(const char *path, const char *secret, struct ha_err *err)
{
	for (const char *p = secret; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return ha_err_set(err, EX_CONFIG, 0,
			    "%s holds more than one line, or a control "
			    "character",
			    path);
	return 0;
}

int
channel_secret(const struct channel *channel, const char *key, char **secret,
    struct ha_err *err)
{
	char *file_key = ha_xasprintf("%s-file", key);
	const char *file = channel_get(channel, file_key);
	const char *value = channel_get(channel, key);
	int failed = 0;

	free(file_key);
	*secret = NULL;
	if (value != NULL) {
		*secret = ha_xstrdup(value);
	} else if (file != NULL) {
		failed = secret_read(file, secret, err);
		if (failed == 0)
			failed = check_secret(file, *secret, err);
	}
	if (failed != 0) {
		channel_forget(*secret);
		*secret = NULL;
	}
	return failed;
}

void
channel_forget(char *secret)
{
	if (secret != NULL)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

static int
is_in_path(const char *program)
{
	const char *path = getenv("PATH");
	char *whole;
	size_t len;
	int found = 0;

	if (strchr(program, '/') != NULL || path == NULL)
		return access(program, X_OK) == 0;
	for (; !found && *path != '\0'; path += len + (path[len] == ':')) {
		len = strcspn(path, ":");
		whole = ha_xasprintf("%.*s/%s", (int)len, path, program);
		found = access(whole, X_OK) == 0;
		free(whole);
	}
	return found;
}

static int
check_file(const struct key *key, const char *path, struct ha_err *err)
{
	struct stat st;

	if (access(path, R_OK) != 0 || stat(path, &st) != 0)
		return ha_err_set(
		    err, EX_NOINPUT, errno, "can't read %s", path);
	return key->flags & KEY_PRIVATE ? secret_check_mode(path, &st, err) : 0;
}

static int
check_secret_file(const struct channel *channel, const struct key *key,
    const char *path, struct ha_err *err)
{
	char *secret = NULL;
	int failed;

	if (key->flags & KEY_MANY)
		failed = secret_read(path, &secret, err);
	else
		failed = channel_secret(channel, key->name, &secret, err);
	if (failed == 0 && !(key->flags & KEY_MANY) && key->check != NULL &&
	    key->check(key, secret, err) != 0)
		failed =
		    ha_err_set(err, EX_CONFIG, 0, "%s: %s", path, err->msg);
	channel_forget(secret);
	return failed;
}

static int
check_setting(const struct channel *channel,
    const struct channel_setting *setting, struct ha_err *err)
{
	int is_file = 0;
	const struct key *key =
	    keys_find(channel->kind, setting->key, &is_file);

	if (key == NULL)
		return 0;
	if (is_file)
		return check_secret_file(channel, key, setting->value, err);
	if ((key->flags & KEY_FILE) != 0 &&
	    check_file(key, setting->value, err) != 0)
		return -1;
	if ((key->flags & KEY_PROGRAM) != 0 && !is_in_path(setting->value))
		return ha_err_set(err, EX_CONFIG, 0, "%s=%s is no program",
		    setting->key, setting->value);
	return 0;
}

int
channel_check(const struct channel *channel, struct ha_err *err)
{
	for (size_t i = 0; i < channel->count; i++)
		if (check_setting(channel, &channel->settings[i], err) != 0)
			return -1;
	return 0;
}
