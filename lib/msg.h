/* SPDX-License-Identifier: ISC */
/*
 * msg - words for people, on stderr.
 *
 * Each call writes one line, "ha-x: " and the text, by one write(2).  Bytes
 * that are not printable are written as ha(7) escapes them (\0ooo), whatever
 * they were: a file's name can't drive the terminal.  Bytes from 0x80 pass
 * when they form printable characters of the locale.  A backslash stays one.
 */
#ifndef HA_MSG_H
#define HA_MSG_H

#include "err.h"

/* The command's name, which stands before every line; borrowed. */
void ha_msg_init(const char *command);
const char *ha_msg_command(void);
/*
 * What every line of this process is about, for a process that is one of
 * several; it is put before a text that doesn't name it.  Borrowed.
 */
void ha_msg_subject(const char *subject);

/*
 * From now on ha_die() with status 3 (UNKNOWN) is the one line of a plugin on
 * stdout, "SERVICE UNKNOWN - text", at most 400 bytes of it: what starts
 * plugins shows nothing else.  What ha_warn() gets is held for the end of the
 * line that the plugin writes itself.  NULL: no longer, and nothing is held.
 * Borrowed.
 */
void ha_msg_plugin(const char *service);
/* That service; NULL: this is no plugin. */
const char *ha_msg_plugin_service(void);
/* What is held, "; " between; NULL: nothing.  Borrowed until the next one. */
const char *ha_msg_held(void);

/* 0 at first; each -v adds one. */
extern int ha_msg_verbosity;

/* "ha-x: text" */
void ha_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* "ha-x: warning: text" */
void ha_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* "ha-x: text", only when ha_msg_verbosity >= 1. */
void ha_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* "ha-x: text", then exit with status. */
void ha_die(int status, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), noreturn));
/* ha_die() with what err holds. */
void ha_die_err(const struct ha_err *err) __attribute__((noreturn));

#endif
