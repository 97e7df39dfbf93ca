/* SPDX-License-Identifier: ISC */
/*
 * template - a JSON file that says what a webhook is sent.
 */
#include "template.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "fields.h"
#include "fs.h"
#include "words.h"

#define FILE_MAX_LEN (1024 * 1024)
#define LIMIT_MAX 1000000

struct template
{
	const char *name;
	char *text; /* to find the line of a mistake */
	json_t *root; /* the file */
	json_t *body, *path; /* borrowed from it; path may be NULL */
	const char *method;
	int is_one_by_one;
};

/* What a placeholder may be replaced by, where the walk is. */
struct scope {
	const struct template *template;
	const struct channel *channel; /* NULL: only the form is checked */
	const struct alert_bundle *bundle;
	const struct fields *fields;
	int is_each; /* inside of "$each" */
	int is_path; /* of a URL: escaped as such */
	int is_shown;
};

enum escape { ESCAPE_NONE, ESCAPE_SLACK, ESCAPE_MARKDOWN, ESCAPE_CODE };

/* {NAME|FILTER|...} or {setting:NAME?}, taken apart. */
struct placeholder {
	const char *name;
	size_t name_len;
	const char *key; /* of setting: and secret:; else NULL */
	size_t key_len;
	int is_secret, is_optional;
	enum escape escape;
	size_t max; /* 0: no limit */
	int is_max_bytes;
	size_t len; /* with its braces */
};

/* Templates of which the object files hold the text. */
#define SHIPPED(name)                                                          \
	extern const char template_##name[], template_##name##_end[];          \
	__asm__(                                                               \
	    ".pushsection .rodata\n"                                           \
	    ".globl template_" #name ", template_" #name "_end\n"              \
	    ".hidden template_" #name ", template_" #name "_end\n"             \
	    "template_" #name ": .incbin \"cmd/ha-alert/" #name ".json\"\n"    \
	    "template_" #name "_end: .byte 0\n"                                \
	    ".popsection")
#define TEMPLATE(name)                                                         \
	{                                                                      \
#name, template_##name, template_##name##_end                  \
	}
SHIPPED(generic);
SHIPPED(slack);
SHIPPED(teams);
SHIPPED(discord);
SHIPPED(telegram);
SHIPPED(pagerduty);
SHIPPED(opsgenie);
SHIPPED(ntfy);
SHIPPED(dingtalk);
SHIPPED(feishu);
SHIPPED(wecom);
SHIPPED(alertmanager);

static const struct {
	const char *name, *text, *end;
} shipped[] = {
	TEMPLATE(generic),
	TEMPLATE(slack),
	TEMPLATE(teams),
	TEMPLATE(discord),
	TEMPLATE(telegram),
	TEMPLATE(pagerduty),
	TEMPLATE(opsgenie),
	TEMPLATE(ntfy),
	TEMPLATE(dingtalk),
	TEMPLATE(feishu),
	TEMPLATE(wecom),
	TEMPLATE(alertmanager),
};

const char *
template_shipped(const char *name, size_t *len)
{
	for (size_t i = 0; i < sizeof(shipped) / sizeof(shipped[0]); i++) {
		if (strcmp(shipped[i].name, name) != 0)
			continue;
		*len = (size_t)(shipped[i].end - shipped[i].text);
		return shipped[i].text;
	}
	return NULL;
}

void
template_names(struct ha_buf *out)
{
	for (size_t i = 0; i < sizeof(shipped) / sizeof(shipped[0]); i++)
		ha_buf_addf(out, "%s%s", i > 0 ? ", " : "", shipped[i].name);
}

/* "file:line:column: " of the first place of a piece of the file. */
static int
mistake(const struct template *template, const char *piece, size_t len,
    struct ha_err *err, const char *words)
{
	const char *at =
	    memmem(template->text, strlen(template->text), piece, len);
	unsigned line = 1, column = 1;

	if (at == NULL)
		return ha_err_set(err, EX_CONFIG, 0, "%s: '%.*s': %s",
		    template->name, (int)len, piece, words);
	for (const char *p = template->text; p < at; p++, column++)
		if (*p == '\n') {
			line++;
			column = 0;
		}
	return ha_err_set(err, EX_CONFIG, 0, "%s:%u:%u: '%.*s': %s",
	    template->name, line, column, (int)len, piece, words);
}

/* One filter of a placeholder; NULL: well, else what is wrong. */
static const char *
take_filter(struct placeholder *placeholder, const char *filter, size_t len)
{
	size_t digits = strspn(filter, "0123456789");
	unsigned long max;

	if (digits > 0 && digits <= len && len - digits <= 1 &&
	    (digits == len || filter[digits] == 'b')) {
		max = strtoul(filter, NULL, 10);
		if (max < 1 || max > LIMIT_MAX)
			return "a limit is from 1 to 1000000";
		placeholder->max = max;
		placeholder->is_max_bytes = digits < len;
	} else if (len == 5 && memcmp(filter, "slack", 5) == 0) {
		placeholder->escape = ESCAPE_SLACK;
	} else if (len == 8 && memcmp(filter, "markdown", 8) == 0) {
		placeholder->escape = ESCAPE_MARKDOWN;
	} else if (len == 4 && memcmp(filter, "code", 4) == 0) {
		placeholder->escape = ESCAPE_CODE;
	} else {
		return "what follows a | is a limit such as 4096 or 2048b, or "
		       "slack, markdown, code";
	}
	return NULL;
}

static const char *
take_key(struct placeholder *placeholder)
{
	static const char letters[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	const char *colon =
	    memchr(placeholder->name, ':', placeholder->name_len);
	size_t prefix;

	if (colon == NULL)
		return NULL;
	prefix = (size_t)(colon - placeholder->name);
	placeholder->key = colon + 1;
	placeholder->key_len = placeholder->name_len - prefix - 1;
	if (prefix == 6 && memcmp(placeholder->name, "secret", 6) == 0)
		placeholder->is_secret = 1;
	else if (prefix != 7 || memcmp(placeholder->name, "setting", 7) != 0)
		return "only setting: and secret: take a name";
	if (placeholder->key_len > 1 &&
	    placeholder->key[placeholder->key_len - 1] == '?') {
		placeholder->is_optional = 1;
		placeholder->key_len--;
	}
	if (placeholder->key_len == 0 ||
	    strspn(placeholder->key, letters) < placeholder->key_len)
		return "a setting's name is letters, digits, \"_\", \".\", \"-\"";
	return NULL;
}

/* At a "{"; NULL: well, else what is wrong with it. */
static const char *
take_placeholder(struct placeholder *placeholder, const char *text)
{
	const char *end = strchr(text, '}');
	const char *p, *words;
	size_t n;

	memset(placeholder, 0, sizeof(*placeholder));
	placeholder->len = strlen(text);
	if (end == NULL)
		return "a { without its }; {{ is a brace";
	placeholder->len = (size_t)(end + 1 - text);
	placeholder->name = text + 1;
	placeholder->name_len = strcspn(text + 1, "|}");
	words = take_key(placeholder);
	for (p = text + 1 + placeholder->name_len; words == NULL && *p == '|';
	     p += 1 + n) {
		n = strcspn(p + 1, "|}");
		words = take_filter(placeholder, p + 1, n);
	}
	return words;
}

/* What one character becomes, with its length. */
static size_t
escape_character(
    char out[8], const char *p, size_t len, enum escape escape, int is_first)
{
	static const char special[] = "\\*_~`|>#[]()<@-+!.";
	const char *as = *p == '&' ? "&amp;" : *p == '<' ? "&lt;" : "&gt;";

	if (escape == ESCAPE_SLACK && strchr("&<>", *p) != NULL) {
		memcpy(out, as, strlen(as) + 1);
		return strlen(as);
	}
	if (escape == ESCAPE_MARKDOWN && strchr(special, *p) != NULL &&
	    (strchr("-+!.", *p) == NULL || is_first)) {
		out[0] = '\\';
		out[1] = *p;
		return 2;
	}
	/* Three in a row would end the block: a zero-width space between. */
	if (escape == ESCAPE_CODE && *p == '`') {
		memcpy(out, "`\xe2\x80\x8b", 5);
		return 4;
	}
	memcpy(out, p, len);
	return len;
}

static size_t
utf16_units(const char *text, size_t len)
{
	size_t units = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		units += (c & 0xc0) != 0x80;
		units += c >= 0xf0;
	}
	return units;
}

static size_t
size_of(const struct placeholder *placeholder, const char *text, size_t len)
{
	size_t size = len;

	if (!placeholder->is_max_bytes)
		return utf16_units(text, len);
	/* As JSON writes them. */
	for (size_t i = 0; i < len; i++)
		size += strchr("\"\\\n\t", text[i]) != NULL;
	return size;
}

/*
 * Append a value, escaped, and cut at a whole character with "…" where it is
 * longer than it may be.
 */
static void
add_value(struct ha_buf *out, const char *value,
    const struct placeholder *placeholder)
{
	size_t ellipsis = placeholder->is_max_bytes ? strlen("…") : 1;
	size_t size = 0, start = out->len, fits = start, len, n;
	char character[8];

	for (const char *p = value; *p != '\0'; p += len) {
		for (len = 1; ((unsigned char)p[len] & 0xc0) == 0x80;)
			len++;
		n = escape_character(character, p, len, placeholder->escape,
		    p == value || p[-1] == '\n');
		size += size_of(placeholder, character, n);
		if (placeholder->max > 0 && size > placeholder->max) {
			ha_buf_truncate(out, fits);
			if (ellipsis <= placeholder->max)
				ha_buf_add_str(out, "…");
			return;
		}
		ha_buf_add(out, character, n);
		if (size + ellipsis <= placeholder->max)
			fits = out->len;
	}
}

static void
add_url_escaped(struct ha_buf *out, const char *value)
{
	static const char plain[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:";

	for (const char *p = value; *p != '\0'; p++)
		if (strchr(plain, *p) != NULL)
			ha_buf_add_char(out, *p);
		else
			ha_buf_addf(out, "%%%02X", (unsigned char)*p);
}

/* A channel's own value; for channel_forget(). */
static int
read_setting(const struct scope *scope, const struct placeholder *placeholder,
    const char *text, char **value, struct ha_err *err)
{
	char *key = ha_xmemdup(placeholder->key, placeholder->key_len);
	const char *setting;
	int result = 0;

	*value = NULL;
	if (placeholder->is_secret) {
		result = channel_secret(scope->channel, key, value, err);
	} else {
		setting = channel_get(scope->channel, key);
		*value = setting != NULL ? ha_xstrdup(setting) : NULL;
	}
	if (result == 0 && *value == NULL && !placeholder->is_optional) {
		char words[256];

		snprintf(words, sizeof(words),
		    placeholder->is_secret ? "channel %s has no %s= or %s-file="
					   : "channel %s has no %s=",
		    scope->channel->name, key, key);
		result = mistake(
		    scope->template, text, placeholder->len, err, words);
	}
	free(key);
	return result;
}

static int
add_setting(struct ha_buf *out, const struct scope *scope,
    const struct placeholder *placeholder, const char *text, struct ha_err *err)
{
	struct ha_buf clean = HA_BUF_INIT;
	char *value;

	if (scope->channel == NULL)
		return 0;
	if (read_setting(scope, placeholder, text, &value, err) != 0)
		return -1;
	if (value != NULL)
		words_add(&clean, value);
	channel_forget(value);
	if (clean.len > 0 && placeholder->is_secret && scope->is_shown)
		ha_buf_add_str(out, "***");
	else if (scope->is_path)
		add_url_escaped(out, clean.data);
	else
		add_value(out, clean.data, placeholder);
	explicit_bzero(clean.data, clean.len);
	ha_buf_release(&clean);
	return 0;
}

/* The text that a string's placeholders make of it; -1: a mistake in one. */
static int
expand_text(struct ha_buf *out, const struct scope *scope, const char *text,
    struct ha_err *err)
{
	struct placeholder placeholder;
	const struct field *field;
	const char *words;

	while (*text != '\0') {
		if (*text != '{' && *text != '}') {
			size_t n = strcspn(text, "{}");

			ha_buf_add(out, text, n);
			text += n;
			continue;
		}
		if (text[1] == text[0]) {
			ha_buf_add_char(out, *text);
			text += 2;
			continue;
		}
		if (*text == '}')
			return mistake(scope->template, text, strlen(text), err,
			    "a } without its {; }} is a brace");
		words = take_placeholder(&placeholder, text);
		if (words != NULL)
			return mistake(
			    scope->template, text, placeholder.len, err, words);
		field = fields_find(
		    scope->fields, placeholder.name, placeholder.name_len);
		if (placeholder.key != NULL) {
			if (add_setting(out, scope, &placeholder, text, err) !=
			    0)
				return -1;
		} else if (field == NULL) {
			return mistake(scope->template, text, placeholder.len,
			    err, "there is no such placeholder");
		} else if (scope->is_path) {
			add_url_escaped(out, field->text.data);
		} else {
			add_value(out, field->text.data, &placeholder);
		}
		text += placeholder.len;
	}
	return 0;
}

/* "{count}" alone is the number itself. */
static json_t *
number_of(const struct scope *scope, const char *text)
{
	struct placeholder placeholder;
	const struct field *field;

	if (*text != '{' || text[1] == '{' ||
	    take_placeholder(&placeholder, text) != NULL ||
	    text[placeholder.len] != '\0' || placeholder.max > 0)
		return NULL;
	field =
	    fields_find(scope->fields, placeholder.name, placeholder.name_len);
	return field != NULL && field->is_number ? json_integer(field->number)
						 : NULL;
}

static int
expand_string(const struct scope *scope, const json_t *value, json_t **result,
    struct ha_err *err)
{
	const char *text = json_string_value(value);
	struct ha_buf out = HA_BUF_INIT;
	int failed;

	*result = number_of(scope, text);
	if (*result != NULL)
		return 0;
	failed = expand_text(&out, scope, text, err);
	if (failed == 0)
		*result = json_stringn(out.data, out.len);
	explicit_bzero(out.data, out.len);
	ha_buf_release(&out);
	return failed;
}

static int expand(const struct scope *scope, json_t *value, json_t **result,
    struct ha_err *err);

/* Is the word one of "a|b|c"?  "" is itself. */
static int
is_one_of(const char *list, const char *word)
{
	size_t len = strlen(word), n = strcspn(list, "|");

	while (n != len || memcmp(list, word, n) != 0) {
		if (list[n] == '\0')
			return 0;
		list += n + 1;
		n = strcspn(list, "|");
	}
	return 1;
}

/* {"$map": "{state}", "CRIT|UNKNOWN": ..., "*": ...} */
static int
expand_map(const struct scope *scope, json_t *value, json_t **result,
    struct ha_err *err)
{
	struct ha_buf word = HA_BUF_INIT;
	json_t *found = NULL, *one;
	const char *key;
	int failed;

	failed = expand_text(&word, scope,
	    json_string_value(json_object_get(value, "$map")), err);
	json_object_foreach(value, key, one)
	{
		if (found == NULL && strcmp(key, "$map") != 0 &&
		    is_one_of(key, word.data))
			found = one;
	}
	ha_buf_release(&word);
	if (found == NULL)
		found = json_object_get(value, "*");
	*result = NULL;
	return failed != 0 || found == NULL ? failed
					    : expand(scope, found, result, err);
}

static int
append(
    const struct scope *scope, json_t *value, json_t *array, struct ha_err *err)
{
	json_t *result;

	if (expand(scope, value, &result, err) != 0)
		return -1;
	if (result != NULL)
		json_array_append_new(array, result);
	return 0;
}

/* {"$each": ...}: an array of it, for each incident. */
static int
expand_each(const struct scope *scope, json_t *value, json_t **result,
    struct ha_err *err)
{
	const struct alert_item **items = words_sort(scope->bundle);
	json_t *each = json_object_get(value, "$each");
	struct scope inner = *scope;
	struct fields fields;
	int failed = 0;

	inner.is_each = 1;
	inner.fields = &fields;
	*result = json_array();
	for (size_t i = 0; failed == 0 && i < scope->bundle->count; i++) {
		fields_init(&fields, scope->bundle, items[i], scope->channel);
		failed = append(&inner, each, *result, err);
		fields_release(&fields);
	}
	free(items);
	return failed;
}

static int
expand_array(const struct scope *scope, json_t *value, json_t **result,
    struct ha_err *err)
{
	json_t *one;
	size_t i;

	*result = json_array();
	json_array_foreach(value, i, one)
	{
		if (append(scope, one, *result, err) != 0)
			return -1;
	}
	return 0;
}

static int
expand_object(const struct scope *scope, json_t *value, json_t **result,
    struct ha_err *err)
{
	const char *key;
	json_t *one, *member;

	if (json_object_get(value, "$map") != NULL)
		return expand_map(scope, value, result, err);
	if (json_object_get(value, "$each") != NULL)
		return expand_each(scope, value, result, err);
	*result = json_object();
	json_object_foreach(value, key, one)
	{
		if (expand(scope, one, &member, err) != 0)
			return -1;
		if (member != NULL)
			json_object_set_new(*result, key, member);
	}
	return 0;
}

/* *result is the caller's, NULL: it is left out.  -1: nothing is the caller's. */
static int
expand(const struct scope *scope, json_t *value, json_t **result,
    struct ha_err *err)
{
	int failed;

	*result = NULL;
	if (json_is_object(value))
		failed = expand_object(scope, value, result, err);
	else if (json_is_array(value))
		failed = expand_array(scope, value, result, err);
	else if (json_is_string(value))
		failed = expand_string(scope, value, result, err);
	else
		return *result = json_incref(value), 0;
	if (failed != 0) {
		json_decref(*result);
		*result = NULL;
	}
	return failed;
}

/* What has a "$" is one of ours, and of its form. */
static int
check_construct(const struct scope *scope, json_t *value, struct ha_err *err)
{
	json_t *map = json_object_get(value, "$map");
	json_t *each = json_object_get(value, "$each");
	const char *key;
	json_t *one;

	if (map != NULL && !json_is_string(map))
		return mistake(scope->template, "\"$map\"", 6, err,
		    "has the text to look for, with placeholders");
	if (map != NULL && json_object_size(value) < 2)
		return mistake(scope->template, "\"$map\"", 6, err,
		    "has nothing to choose from");
	if (each != NULL && json_object_size(value) > 1)
		return mistake(scope->template, "\"$each\"", 7, err,
		    "has no other members beside it");
	if (each != NULL && (scope->is_each || scope->is_path))
		return mistake(
		    scope->template, "\"$each\"", 7, err, "can't stand here");
	/* Teams' cards have a "$schema". */
	json_object_foreach(value, key, one)
	{
		if (*key == '$' && one != map && one != each &&
		    strcmp(key, "$schema") != 0)
			return mistake(scope->template, key, strlen(key), err,
			    "only $map and $each begin so");
	}
	return 0;
}

/* All of it, whichever branch would be taken. */
static int
check(const struct scope *scope, json_t *value, struct ha_err *err)
{
	struct scope inner = *scope;
	struct ha_buf unused = HA_BUF_INIT;
	const char *key;
	int failed = 0;
	json_t *one;
	size_t i;

	if (json_is_string(value)) {
		failed =
		    expand_text(&unused, scope, json_string_value(value), err);
		explicit_bzero(unused.data, unused.len);
		ha_buf_release(&unused);
		return failed;
	}
	if (scope->is_path && json_object_get(value, "$map") == NULL)
		return mistake(scope->template, "\"path\"", 6, err,
		    "is a text, or a $map of texts");
	if (json_is_object(value)) {
		failed = check_construct(scope, value, err);
		inner.is_each |= json_object_get(value, "$each") != NULL;
	}
	json_object_foreach(value, key, one)
	{
		if (failed == 0)
			failed = check(&inner, one, err);
	}
	json_array_foreach(value, i, one)
	{
		if (failed == 0)
			failed = check(&inner, one, err);
	}
	return failed;
}

/* A bundle that has every placeholder, to check them. */
static int
check_all(const struct template *template, const struct channel *channel,
    struct ha_err *err)
{
	struct alert alert = { .is_message = 1, .body = "" };
	struct alert_item item = {
		.first = &alert, .last = &alert, .count = 1
	};
	struct alert_bundle bundle = { .items = &item, .count = 1 };
	struct ha_transition *transition = &alert.transition;
	struct fields fields;
	struct scope scope = { .template = template,
		.channel = channel,
		.bundle = &bundle,
		.fields = &fields };
	char no_name[] = "";
	const struct channel none = { .name = no_name };
	int failed;

	transition->incident = transition->since = "";
	transition->status = (struct ha_status){ .time = "",
		.by = "",
		.host = "",
		.check = "",
		.target = "",
		.msg = "",
		.perf = "" };
	fields_init(&fields, &bundle, NULL, channel != NULL ? channel : &none);
	failed = check(&scope, template->body, err);
	scope.is_path = 1;
	if (failed == 0 && template->path != NULL)
		failed = check(&scope, template->path, err);
	fields_release(&fields);
	return failed;
}

static int
take_method(struct template *template, const json_t *value, struct ha_err *err)
{
	static const char *const methods[] = { "POST", "PUT", "PATCH" };
	const char *method = json_string_value(value);

	for (size_t i = 0; method && i < sizeof(methods) / sizeof(*methods);
	     i++) {
		if (strcmp(method, methods[i]) != 0)
			continue;
		template->method = methods[i];
		return 0;
	}
	return mistake(template, "\"method\"", 8, err, "is POST, PUT or PATCH");
}

static int
take_members(struct template *template, struct ha_err *err)
{
	const char *key;
	json_t *value;

	json_object_foreach(template->root, key, value)
	{
		if (strcmp(key, "body") == 0) {
			template->body = value;
		} else if (strcmp(key, "path") == 0) {
			template->path = value;
		} else if (strcmp(key, "method") == 0) {
			if (take_method(template, value, err) != 0)
				return -1;
		} else if (strcmp(key, "one_by_one") == 0) {
			template->is_one_by_one = json_is_true(value);
			if (!json_is_boolean(value))
				return mistake(template, "\"one_by_one\"", 12,
				    err, "is true or false");
		} else if (strcmp(key, "about") != 0) {
			return mistake(template, key, strlen(key), err,
			    "a template has about, method, path, one_by_one "
			    "and body");
		}
	}
	if (template->body == NULL)
		return ha_err_set(err, EX_CONFIG, 0,
		    "%s: a template needs a \"body\"", template->name);
	return 0;
}

int
template_parse(struct template **template, const char *name, const char *text,
    size_t len, struct ha_err *err)
{
	struct template *new = ha_xcalloc(1, sizeof(*new));
	json_error_t error;
	int failed;

	new->name = name;
	new->method = "";
	new->text = ha_xmemdup(text, len);
	new->root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (new->root == NULL)
		failed = ha_err_set(err, EX_CONFIG, 0, "%s:%d:%d: %s", name,
		    error.line, error.column, error.text);
	else if (!json_is_object(new->root))
		failed = ha_err_set(err, EX_CONFIG, 0,
		    "%s: a template is an object, {...}", name);
	else
		failed = take_members(new, err);
	if (failed == 0)
		failed = check_all(new, NULL, err);
	if (failed != 0) {
		template_free(new);
		return -1;
	}
	*template = new;
	return 0;
}

int
template_open(struct template **template, const char *name, struct ha_err *err)
{
	struct ha_buf file = HA_BUF_INIT, names = HA_BUF_INIT;
	const char *text;
	size_t len;
	int failed;

	if (strchr(name, '/') != NULL) {
		failed = ha_fs_read_file(name, FILE_MAX_LEN, &file, err);
		if (failed != 0)
			err->status = EX_CONFIG;
		else
			failed = template_parse(
			    template, name, file.data, file.len, err);
		ha_buf_release(&file);
		return failed;
	}
	text = template_shipped(name, &len);
	if (text != NULL)
		return template_parse(template, name, text, len, err);
	template_names(&names);
	ha_err_set(err, EX_CONFIG, 0,
	    "'%s' is no template that is shipped (%s); a file has a / in its "
	    "name",
	    name, names.data);
	ha_buf_release(&names);
	return -1;
}

void
template_free(struct template *template)
{
	if (template == NULL)
		return;
	json_decref(template->root);
	free(template->text);
	free(template);
}

const char *
template_method(const struct template *template)
{
	return template->method;
}

int
template_is_one_by_one(const struct template *template)
{
	return template->is_one_by_one;
}

static int
names(const struct template *template, const char *kind, const char *key,
    size_t len)
{
	char *start = ha_xasprintf("{%s:%.*s", kind, (int)len, key);
	size_t start_len = strlen(start);
	const char *at = template->text;
	int found = 0;

	while (!found && (at = strstr(at, start)) != NULL) {
		at += start_len;
		found = *at == '}' || *at == '?' || *at == '|';
	}
	free(start);
	return found;
}

int
template_takes(const struct template *template, const char *key)
{
	size_t len = strlen(key);

	if (names(template, "setting", key, len) ||
	    names(template, "secret", key, len))
		return 1;
	return len > 5 && strcmp(key + len - 5, "-file") == 0 &&
	       names(template, "secret", key, len - 5);
}

int
template_check(const struct template *template, const struct channel *channel,
    struct ha_err *err)
{
	return check_all(template, channel, err);
}

static void
add_json(struct ha_buf *out, const json_t *json, int is_shown)
{
	size_t flags =
	    JSON_ENCODE_ANY | (is_shown ? JSON_INDENT(2) : JSON_COMPACT);
	size_t size = json_dumpb(json, NULL, 0, flags);

	ha_buf_reserve(out, size);
	json_dumpb(json, out->data + out->len, size, flags);
	out->len += size;
	out->data[out->len] = '\0';
}

static int
expand_path(const struct scope *scope, struct ha_buf *path, struct ha_err *err)
{
	struct scope inner = *scope;
	json_t *text;

	inner.is_path = 1;
	if (scope->template->path == NULL)
		return 0;
	if (expand(&inner, scope->template->path, &text, err) != 0)
		return -1;
	if (json_is_string(text))
		ha_buf_add(
		    path, json_string_value(text), json_string_length(text));
	json_decref(text);
	return 0;
}

int
template_expand(const struct template *template,
    const struct alert_bundle *bundle, const struct channel *channel,
    int is_shown, struct ha_buf *body, struct ha_buf *path, struct ha_err *err)
{
	struct fields fields;
	struct scope scope = { .template = template,
		.channel = channel,
		.bundle = bundle,
		.fields = &fields,
		.is_shown = is_shown };
	json_t *json;
	int failed;

	fields_init(&fields, bundle, NULL, channel);
	failed = expand(&scope, template->body, &json, err);
	if (failed == 0)
		failed = expand_path(&scope, path, err);
	if (failed == 0 && json != NULL)
		add_json(body, json, is_shown);
	fields_release(&fields);
	json_decref(json);
	return failed;
}
