/* SPDX-License-Identifier: ISC */
/*
 * msg - words for people, on stderr.
 */
#include "msg.h"

#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "rec.h"

#define UNKNOWN 3
#define PLUGIN_MAX 399

int ha_msg_verbosity;

static const char *command_name = "ha";
static const char *about;
static const char *plugin;
static struct ha_buf held = HA_BUF_INIT;

void
ha_msg_init(const char *command)
{
	command_name = command;
	setlocale(LC_CTYPE, "");
}

const char *
ha_msg_command(void)
{
	return command_name;
}

void
ha_msg_subject(const char *subject)
{
	about = subject;
}

void
ha_msg_plugin(const char *service)
{
	plugin = service;
	ha_buf_reset(&held);
}

const char *
ha_msg_plugin_service(void)
{
	return plugin;
}

const char *
ha_msg_held(void)
{
	return held.len ? held.data : NULL;
}

/* Printable, but a backslash stays one: the text may hold escapes already. */
static void
add_text(struct ha_buf *line, const char *text, size_t len)
{
	const char *end = text + len;
	const char *stop;

	while ((stop = memchr(text, '\\', (size_t)(end - text)))) {
		ha_rec_add_printable(line, text, (size_t)(stop - text));
		ha_buf_add_char(line, '\\');
		text = stop + 1;
	}
	ha_rec_add_printable(line, text, (size_t)(end - text));
}

static void __attribute__((format(printf, 2, 0)))
print(const char *prefix, const char *fmt, va_list ap)
{
	struct ha_buf text = HA_BUF_INIT, line = HA_BUF_INIT;

	ha_buf_vaddf(&text, fmt, ap);
	ha_buf_addf(&line, "%s: %s", command_name, prefix);
	if (about && !strstr(text.data, about)) {
		add_text(&line, about, strlen(about));
		ha_buf_add_str(&line, ": ");
	}
	add_text(&line, text.data, text.len);
	ha_buf_add_char(&line, '\n');
	/* Nobody is left to be told when stderr itself fails. */
	if (write(STDERR_FILENO, line.data, line.len) < 0)
		ha_buf_reset(&line);
	ha_buf_release(&text);
	ha_buf_release(&line);
}

/* What follows a '|' would be performance data. */
static void __attribute__((format(printf, 1, 0)))
print_plugin(const char *fmt, va_list ap)
{
	struct ha_buf text = HA_BUF_INIT, line = HA_BUF_INIT;
	size_t i;

	ha_buf_vaddf(&text, fmt, ap);
	for (i = 0; i < text.len; i++)
		if (text.data[i] == '|')
			text.data[i] = '/';
	ha_buf_addf(&line, "%s UNKNOWN - ", plugin);
	add_text(&line, text.data, text.len);
	if (line.len > PLUGIN_MAX)
		ha_buf_truncate(&line, PLUGIN_MAX);
	ha_buf_add_char(&line, '\n');
	if (write(STDOUT_FILENO, line.data, line.len) < 0)
		ha_buf_reset(&line);
	ha_buf_release(&text);
	ha_buf_release(&line);
}

void
ha_say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print("", fmt, ap);
	va_end(ap);
}

void
ha_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (plugin) {
		if (held.len)
			ha_buf_add_str(&held, "; ");
		ha_buf_vaddf(&held, fmt, ap);
	} else {
		print("warning: ", fmt, ap);
	}
	va_end(ap);
}

void
ha_note(const char *fmt, ...)
{
	va_list ap;

	if (ha_msg_verbosity < 1)
		return;
	va_start(ap, fmt);
	print("", fmt, ap);
	va_end(ap);
}

void
ha_die(int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (plugin && status == UNKNOWN)
		print_plugin(fmt, ap);
	else
		print("", fmt, ap);
	va_end(ap);
	exit(status);
}

void
ha_die_err(const struct ha_err *err)
{
	ha_die(err->status, "%s", err->msg);
}
