/* SPDX-License-Identifier: ISC */
/* targets - all that a sweep probes: operands, and the lines of files. */
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "settings.h"

void
targets_add(struct targets *targets, const struct target *target)
{
	if (targets->count == targets->capacity) {
		targets->capacity =
		    targets->capacity ? 2 * targets->capacity : 16;
		targets->list = ha_xrealloc(
		    targets->list, targets->capacity * sizeof(*targets->list));
	}
	targets->list[targets->count++] = *target;
}

int
targets_add_operand(struct targets *targets, const char *url, unsigned number,
    const struct settings *settings, struct ha_err *err)
{
	struct target target = { .name = NULL };
	size_t offset;
	char *shown;

	if (target_parse(&target, url, settings, &offset, err)) {
		shown = target_shown(url);
		ha_err_set(err, err->status, 0, "'%s': column %zu: %s", shown,
		    offset + 1, err->msg);
		free(shown);
		return -1;
	}
	target.line = number;
	targets_add(targets, &target);
	return 0;
}

void
targets_release(struct targets *targets)
{
	while (targets->count)
		target_release(&targets->list[--targets->count]);
	free(targets->list);
	targets->list = NULL;
	targets->capacity = 0;
}

/* What a line of a file adds to. */
struct reading {
	struct targets *targets;
	const struct settings *settings;
	const char *file; /* the last line's, kept */
};

static int
has_url(const struct ha_conf_line *line, size_t word)
{
	return word < line->count && strstr(line->words[word].text, "://");
}

/* Which setting an entry "key=value" or "flag" names; NULL: none. */
static const struct setting *
find_setting(const char *key)
{
	size_t i;

	for (i = 0; setting_at(i); i++)
		if (!strcmp(setting_at(i)->key, key))
			return setting_at(i);
	return NULL;
}

static int
read_setting(const struct ha_conf_line *line, size_t word,
    struct settings *settings, struct ha_err *err)
{
	char *key = line->words[word].text;
	char *value = strchr(key, '=');
	size_t offset, before;
	int result;

	before = value ? (size_t)(value + 1 - key) : 0;
	if (value)
		*value++ = '\0';
	if (!find_setting(key))
		return ha_conf_err(
		    line, word, 0, err, "there is no setting '%s'", key);
	result = settings_set(settings, key, value, &offset, err);
	if (result)
		ha_conf_err(
		    line, word, before + offset, err, "%s: %s", key, err->msg);
	return result;
}

/* Is what a line sets of use to its own target? */
static int
check_line(const struct ha_conf_line *line, size_t first,
    const struct target *target, struct ha_err *err)
{
	unsigned can = setting_targets(target->scheme, target->starttls);
	const struct setting *setting;
	size_t i;

	for (i = first; i < line->count; i++) {
		setting = find_setting(line->words[i].text);
		if (setting && !(setting->targets & can))
			return ha_conf_err(line, i, 0, err,
			    "%s is for %s, not for %s", setting->key,
			    setting_targets_words(setting),
			    target->scheme->name);
	}
	return 0;
}

static int
read_line(void *context, const struct ha_conf_line *line, struct ha_err *err)
{
	struct reading *reading = context;
	struct settings settings = *reading->settings;
	size_t url = has_url(line, 0) ? 0 : 1;
	struct target target = { .name = NULL };
	size_t i, offset;

	if (!has_url(line, url) && line->count == 1)
		return ha_conf_err(
		    line, 0, 0, err, "a line reads [NAME] URL [key=value]...");
	if (!has_url(line, url))
		return ha_conf_err(line, 1, 0, err,
		    "a URL has to stand here, such as tcp://web1:22");
	if (url && !*line->words[0].text)
		return ha_conf_err(line, 0, 0, err, "the name is empty");
	for (i = url + 1; i < line->count; i++)
		if (read_setting(line, i, &settings, err))
			return -1;
	if (target_parse(
		&target, line->words[url].text, &settings, &offset, err))
		return ha_conf_err(line, url, offset, err, "%s", err->msg);
	if (check_line(line, url + 1, &target, err)) {
		target_release(&target);
		return -1;
	}
	if (url) {
		free(target.name);
		target.name = ha_xstrdup(line->words[0].text);
	}
	if (!reading->file || strcmp(reading->file, line->file))
		reading->file = settings_keep(line->file);
	target.file = reading->file;
	target.line = line->words[0].lines[0];
	target.column = line->words[0].columns[0];
	targets_add(reading->targets, &target);
	return 0;
}

int
targets_read(struct targets *targets, const char *path,
    const struct settings *settings, struct ha_err *err)
{
	struct reading reading = { targets, settings, NULL };

	return ha_conf_read(path, read_line, &reading, err);
}

void
targets_add_line(struct ha_buf *text, const struct target *target)
{
	if (strcmp(target->name, target->url)) {
		settings_add_word(text, target->name, strlen(target->name));
		ha_buf_add_char(text, ' ');
	}
	settings_add_word(text, target->url, strlen(target->url));
	settings_add(text, &target->settings);
	ha_buf_add_char(text, '\n');
}

static const char *
or_none(const char *text)
{
	return text ? text : "";
}

static int
compare(const void *a, const void *b)
{
	const struct target *one = *(const struct target *const *)a;
	const struct target *other = *(const struct target *const *)b;
	int order = strcmp(one->name, other->name);

	if (!order)
		order = strcmp(
		    or_none(one->settings.host), or_none(other->settings.host));
	/* Of two the one that came first. */
	return order ? order : one < other ? -1 : one > other;
}

static void
add_place(struct ha_buf *text, const struct target *target)
{
	if (target->file)
		ha_buf_addf(text, "%s:%u:%u", target->file, target->line,
		    target->column);
	else if (target->line)
		ha_buf_addf(text, "operand %u", target->line);
	else
		ha_buf_add_str(text, "--while");
}

static int
refuse_double(
    const struct target *first, const struct target *second, struct ha_err *err)
{
	struct ha_buf text = HA_BUF_INIT;

	add_place(&text, second);
	ha_buf_addf(&text, ": the check '%s'%s%s is there already, at ",
	    second->name, second->settings.host ? " of " : "",
	    or_none(second->settings.host));
	add_place(&text, first);
	if (!strcmp(second->name, second->url))
		ha_buf_add_str(&text, "; a targets file can give each a name");
	ha_err_set(
	    err, second->file ? EX_CONFIG : EX_USAGE, 0, "%s", text.data);
	ha_buf_release(&text);
	return -1;
}

static int
check_names(const struct targets *targets, struct ha_err *err)
{
	const struct target **sorted;
	size_t i;
	int result = 0;

	sorted = ha_xcalloc(targets->count + 1, sizeof(const void *));
	for (i = 0; i < targets->count; i++)
		sorted[i] = &targets->list[i];
	qsort(sorted, targets->count, sizeof(const void *), compare);
	for (i = 1; i < targets->count && !result; i++)
		if (!strcmp(sorted[i - 1]->name, sorted[i]->name) &&
		    !strcmp(or_none(sorted[i - 1]->settings.host),
			or_none(sorted[i]->settings.host)))
			result = refuse_double(sorted[i - 1], sorted[i], err);
	free(sorted);
	return result;
}

int
targets_check(const struct targets *targets, const struct settings *settings,
    struct ha_err *err)
{
	const struct setting *setting;
	unsigned can = 0;
	size_t i;

	for (i = 0; i < targets->count; i++)
		can |= setting_targets(
		    targets->list[i].scheme, targets->list[i].starttls);
	for (i = 0; (setting = setting_at(i)); i++)
		if (settings->given >> i & 1 && !(setting->targets & can))
			return ha_err_set(err, EX_USAGE, 0,
			    "--%s is for %s, and there is no such target",
			    setting->key, setting_targets_words(setting));
	return check_names(targets, err);
}
