/* SPDX-License-Identifier: ISC */
/*
 * mail - a message of RFC 5322.
 */
#include "mail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "words.h"

#define LINE_MAX_LEN 76
/* RFC 2047, 2: an encoded word with its delimiters. */
#define ENCODED_MAX 75

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789+/";

static void
add_base64(struct ha_buf *out, const char *data, size_t len)
{
	const unsigned char *p = (const unsigned char *)data;
	unsigned long bits;

	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i;

		bits = (unsigned long)p[i] << 16 |
		       (n > 1 ? p[i + 1] : 0UL) << 8 | (n > 2 ? p[i + 2] : 0UL);
		ha_buf_add_char(out, base64_digits[bits >> 18]);
		ha_buf_add_char(out, base64_digits[bits >> 12 & 63]);
		ha_buf_add_char(
		    out, n > 1 ? base64_digits[bits >> 6 & 63] : '=');
		ha_buf_add_char(out, n > 2 ? base64_digits[bits & 63] : '=');
	}
}

/* What may stand raw in a "Q" word, wherever it is (RFC 2047, 5 (3)). */
static int
is_plain_in_q(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z') || (c != '\0' && strchr("!*+-/", c));
}

static size_t
q_len(const char *text, size_t len)
{
	size_t size = 0;

	for (size_t i = 0; i < len; i++)
		size += is_plain_in_q(text[i]) || text[i] == ' ' ? 1 : 3;
	return size;
}

static size_t
b_len(size_t len)
{
	return (len + 2) / 3 * 4;
}

static void
add_encoded_word(struct ha_buf *out, const char *text, size_t len, int is_q)
{
	ha_buf_add_str(out, is_q ? "=?utf-8?Q?" : "=?utf-8?B?");
	if (!is_q)
		add_base64(out, text, len);
	for (size_t i = 0; is_q && i < len; i++)
		if (is_plain_in_q(text[i]))
			ha_buf_add_char(out, text[i]);
		else if (text[i] == ' ')
			ha_buf_add_char(out, '_');
		else
			ha_buf_addf(out, "=%02X", (unsigned char)text[i]);
	ha_buf_add_str(out, "?=");
}

static size_t
character_len(const char *p)
{
	size_t n = 1;

	while (((unsigned char)p[n] & 0xc0) == 0x80)
		n++;
	return n;
}

/* How much of text, in whole characters, fits into size encoded bytes. */
static size_t
fit_encoded(const char *text, size_t size, int is_q)
{
	size_t fits = 0, next;

	while (text[fits] != '\0') {
		next = fits + character_len(text + fits);
		if ((is_q ? q_len(text, next) : b_len(next)) > size)
			break;
		fits = next;
	}
	return fits;
}

/* Encoded words, folded; column: where the line is. */
static size_t
add_encoded(struct ha_buf *out, const char *text, size_t column)
{
	size_t len = strlen(text), used, room, start;
	int is_q = q_len(text, len) <= b_len(len);

	while (*text != '\0') {
		room = column + ENCODED_MAX <= LINE_MAX_LEN
			   ? ENCODED_MAX
			   : LINE_MAX_LEN - column;
		used = room > 12 ? fit_encoded(text, room - 12, is_q) : 0;
		if (used == 0) {
			ha_buf_add_str(out, "\r\n ");
			column = 1;
			continue;
		}
		start = out->len;
		add_encoded_word(out, text, used, is_q);
		column += out->len - start;
		text += used;
		if (*text != '\0') {
			ha_buf_add_str(out, "\r\n ");
			column = 1;
		}
	}
	return column;
}

/* Can it stand as it is, folded at its blanks? */
static int
is_plain_text(const char *text)
{
	size_t word = 0;

	if (*text == ' ' || strstr(text, "=?") != NULL)
		return 0;
	for (const char *p = text; *p != '\0'; p++) {
		if ((unsigned char)*p >= 0x80)
			return 0;
		word = *p == ' ' ? 0 : word + 1;
		if (word > LINE_MAX_LEN - 20 ||
		    (*p == ' ' && (p[1] == ' ' || p[1] == '\0')))
			return 0;
	}
	return 1;
}

static size_t
add_folded(struct ha_buf *out, const char *text, size_t column)
{
	size_t n;

	while (*text != '\0') {
		n = strcspn(text + 1, " ") + 1;
		if (*text == ' ' && column + n > LINE_MAX_LEN) {
			ha_buf_add_str(out, "\r\n");
			column = 0;
		}
		ha_buf_add(out, text, n);
		column += n;
		text += n;
	}
	return column;
}

static size_t
add_text(struct ha_buf *out, const char *text, size_t column)
{
	return is_plain_text(text) ? add_folded(out, text, column)
				   : add_encoded(out, text, column);
}

void
mail_add_header(struct ha_buf *out, const char *name, const char *text)
{
	struct ha_buf line = HA_BUF_INIT;

	words_add(&line, text);
	ha_buf_addf(out, "%s: ", name);
	add_text(out, line.data, strlen(name) + 2);
	ha_buf_add_str(out, "\r\n");
	ha_buf_release(&line);
}

/* The part of an address list until its comma, outside of quotes and <>. */
static size_t
mailbox_len(const char *list)
{
	int in_quotes = 0;
	size_t i;

	for (i = 0; list[i] != '\0'; i++) {
		if (in_quotes && list[i] == '\\' && list[i + 1] != '\0')
			i++;
		else if (list[i] == '"')
			in_quotes = !in_quotes;
		else if (list[i] == ',' && !in_quotes)
			break;
	}
	return i;
}

static void
trim(struct ha_buf *text)
{
	size_t blanks = strspn(text->data, " ");

	ha_buf_consume(text, blanks);
	while (text->len > 0 && text->data[text->len - 1] == ' ')
		ha_buf_truncate(text, text->len - 1);
}

/* "Name <a@b>" into both; the name without its quotes. */
static void
split_mailbox(const char *mailbox, struct ha_buf *name, struct ha_buf *address)
{
	const char *open = strrchr(mailbox, '<');
	const char *close = open != NULL ? strchr(open, '>') : NULL;

	if (close == NULL) {
		ha_buf_add_str(address, mailbox);
	} else {
		ha_buf_add(address, open + 1, (size_t)(close - open - 1));
		for (const char *p = mailbox; p < open; p++) {
			if (*p == '"')
				continue;
			p += *p == '\\' && p + 1 < open;
			ha_buf_add_char(name, *p);
		}
	}
	trim(name);
	trim(address);
	for (char *p = address->data; *p != '\0'; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
}

/* A name is atoms, or a quoted string, or encoded words. */
static size_t
add_name(struct ha_buf *out, const char *name, size_t column)
{
	static const char atoms[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	    "!#$%&'*+-/=?^_`{|}~ ";
	size_t start = out->len;

	if (!is_plain_text(name))
		return add_encoded(out, name, column);
	if (strspn(name, atoms) == strlen(name))
		return add_folded(out, name, column);
	ha_buf_add_char(out, '"');
	for (const char *p = name; *p != '\0'; p++) {
		if (strchr("\"\\", *p) != NULL)
			ha_buf_add_char(out, '\\');
		ha_buf_add_char(out, *p);
	}
	ha_buf_add_char(out, '"');
	return column + out->len - start;
}

static size_t
add_mailbox(struct ha_buf *out, const char *mailbox, size_t column)
{
	struct ha_buf name = HA_BUF_INIT, address = HA_BUF_INIT;

	split_mailbox(mailbox, &name, &address);
	if (name.len > 0)
		column = add_name(out, name.data, column);
	if (name.len > 0 && column + address.len + 3 > LINE_MAX_LEN) {
		ha_buf_add_str(out, "\r\n");
		column = 0;
	}
	ha_buf_addf(out, name.len > 0 ? " <%s>" : "%s", address.data);
	column += address.len + (name.len > 0 ? 3 : 0);
	ha_buf_release(&name);
	ha_buf_release(&address);
	return column;
}

void
mail_add_addresses(struct ha_buf *out, const char *name, const char *list)
{
	struct ha_buf line = HA_BUF_INIT, one = HA_BUF_INIT;
	size_t column = strlen(name) + 2, len;
	int is_first = 1;
	const char *p;

	words_add(&line, list);
	ha_buf_addf(out, "%s: ", name);
	for (p = line.data; *p != '\0'; p += len + (p[len] == ',')) {
		len = mailbox_len(p);
		ha_buf_reset(&one);
		ha_buf_add(&one, p, len);
		trim(&one);
		if (one.len == 0)
			continue;
		if (!is_first) {
			int fits = column + one.len + 2 <= LINE_MAX_LEN;

			ha_buf_add_str(out, fits ? ", " : ",\r\n ");
			column = fits ? column + 2 : 1;
		}
		column = add_mailbox(out, one.data, column);
		is_first = 0;
	}
	ha_buf_add_str(out, "\r\n");
	ha_buf_release(&line);
	ha_buf_release(&one);
}

static void
add_date(struct ha_buf *out, int64_t wall_ms)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t seconds = (time_t)(wall_ms / 1000);
	long minutes;
	struct tm tm;

	localtime_r(&seconds, &tm);
	minutes = labs(tm.tm_gmtoff) / 60;
	ha_buf_addf(out,
	    "Date: %.3s, %d %.3s %04d %02d:%02d:%02d %c%02ld%02ld\r\n",
	    days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon,
	    tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec,
	    tm.tm_gmtoff < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

/* Of the first address; what isn't a name becomes one that nobody has. */
static void
add_domain(struct ha_buf *out, const char *list)
{
	static const char letters[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
	const char *at = strchr(list, '@');
	size_t len = at != NULL ? strspn(at + 1, letters) : 0;

	if (len == 0)
		ha_buf_add_str(out, "ha-alert.invalid");
	else
		ha_buf_add(out, at + 1, len);
}

static void
add_id(
    struct ha_buf *out, const char *header, const char *key, const char *list)
{
	/* Never folded: there is software that loses it then. */
	ha_buf_addf(out, "%s: <%s@", header, key);
	add_domain(out, list);
	ha_buf_add_str(out, ">\r\n");
}

/* Is it shorter so than with each foreign byte as "=XX"? */
static int
is_for_base64(const char *text)
{
	size_t foreign = 0, len = 0;

	for (; text[len] != '\0'; len++)
		foreign += (unsigned char)text[len] >= 0x80;
	return foreign > len / 4;
}

/* No byte to encode, no long line, nothing that a mailbox would change. */
static int
is_7bit(const char *text)
{
	size_t n;

	for (; *text != '\0'; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		if (n > LINE_MAX_LEN || strncmp(text, "From ", 5) == 0 ||
		    *text == '.' || (n > 0 && strchr(" \t", text[n - 1])))
			return 0;
		for (size_t i = 0; i < n; i++)
			if ((unsigned char)text[i] >= 0x7f ||
			    ((unsigned char)text[i] < 0x20 && text[i] != '\t'))
				return 0;
	}
	return 1;
}

static void
add_quoted_line(struct ha_buf *out, const char *line, size_t len)
{
	size_t column = 0, size;
	int raw;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)line[i];

		raw = (c > 0x20 && c < 0x7f && c != '=') ||
		      ((c == ' ' || c == '\t') && i + 1 < len);
		if (i == 0 &&
		    (c == '.' || (len > 4 && !memcmp(line, "From ", 5))))
			raw = 0;
		size = raw ? 1 : 3;
		/* One column is for the "=" of a line that goes on. */
		if (column + size > LINE_MAX_LEN - 1) {
			ha_buf_add_str(out, "=\r\n");
			column = 0;
			/* Again: a "." at the start of a line. */
			raw = raw && c != '.' && c != 'F';
			size = raw ? 1 : 3;
		}
		if (raw)
			ha_buf_add_char(out, (char)c);
		else
			ha_buf_addf(out, "=%02X", c);
		column += size;
	}
}

static void
add_base64_lines(struct ha_buf *out, const char *text)
{
	struct ha_buf lines = HA_BUF_INIT;
	size_t n;

	for (; *text != '\0'; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		ha_buf_add(&lines, text, n);
		ha_buf_add_str(&lines, "\r\n");
	}
	for (size_t i = 0; i < lines.len; i += 57) {
		n = lines.len - i < 57 ? lines.len - i : 57;
		add_base64(out, lines.data + i, n);
		ha_buf_add_str(out, "\r\n");
	}
	ha_buf_release(&lines);
}

void
mail_add_body(struct ha_buf *out, const char *text)
{
	int is_base64 = is_for_base64(text), is_plain = is_7bit(text);
	size_t n;

	ha_buf_addf(out, "Content-Transfer-Encoding: %s\r\n\r\n",
	    is_base64  ? "base64"
	    : is_plain ? "7bit"
		       : "quoted-printable");
	if (is_base64) {
		add_base64_lines(out, text);
		return;
	}
	for (; *text != '\0'; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		if (is_plain)
			ha_buf_add(out, text, n);
		else
			add_quoted_line(out, text, n);
		ha_buf_add_str(out, "\r\n");
	}
}

void
mail_add(struct ha_buf *out, const struct mail *mail)
{
	add_date(out, mail->date_ms);
	mail_add_addresses(out, "From", mail->from);
	mail_add_addresses(out, "To", mail->to);
	if (mail->cc != NULL)
		mail_add_addresses(out, "Cc", mail->cc);
	if (mail->reply_to != NULL)
		mail_add_addresses(out, "Reply-To", mail->reply_to);
	mail_add_header(out, "Subject", mail->subject);
	add_id(out, "Message-ID", mail->key, mail->domain_of);
	if (mail->thread != NULL) {
		add_id(out, "In-Reply-To", mail->thread, mail->domain_of);
		add_id(out, "References", mail->thread, mail->domain_of);
	}
	/* RFC 3834: no out-of-office answers; Exchange has its own way. */
	ha_buf_add_str(out, "Auto-Submitted: auto-generated\r\n"
			    "X-Auto-Response-Suppress: All\r\n");
	if (mail->is_urgent)
		ha_buf_add_str(out, "X-Priority: 1\r\nImportance: high\r\n");
	mail_add_header(out, "X-HA-State", mail->state);
	mail_add_header(out, "X-HA-Event", mail->event);
	if (*mail->incident != '\0')
		mail_add_header(out, "X-HA-Incident", mail->incident);
	ha_buf_add_str(out, "MIME-Version: 1.0\r\n"
			    "Content-Type: text/plain; charset=utf-8\r\n");
	mail_add_body(out, mail->text);
}

void
mail_show(struct ha_buf *out, const struct mail *mail)
{
	const struct {
		const char *name, *value;
	} headers[] = {
		{ "From", mail->from },
		{ "To", mail->to },
		{ "Cc", mail->cc },
		{ "Subject", mail->subject },
	};

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		if (headers[i].value == NULL)
			continue;
		ha_buf_addf(out, "%s: ", headers[i].name);
		words_add(out, headers[i].value);
		ha_buf_add_char(out, '\n');
	}
	ha_buf_add_char(out, '\n');
	ha_buf_add_str(out, mail->text);
}
