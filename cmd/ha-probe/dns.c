/* SPDX-License-Identifier: ISC */
/*
 * dns - ask a name server: dns://SERVER/NAME?type=TYPE.
 *
 * One question over UDP; the answer has to repeat its number and the question.
 * Source: RFC 1035, sections 3.3, 4.1; RFC 2782 (SRV), 3596 (AAAA), 8659 (CAA).
 * Names are packed and expanded by resolver(3), which bounds their compression.
 */
#include "dialog.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "alloc.h"
#include "clock.h"
#include "probe.h"

enum {
	MAX_ANSWER = 4096, /* without EDNS 512 is allowed */
	TYPE_CAA = 257,
	/* The header's second word. */
	FLAG_RESPONSE = 0x8000,
	FLAG_TRUNCATED = 0x0200,
	FLAG_RECURSE = 0x0100,
	RCODE = 0x000f,
	/* So many answers are in the words of the result. */
	MAX_SAID = 3,
};

static const struct type {
	const char *name;
	uint16_t number;
} types[] = {
	{ "A", ns_t_a },
	{ "AAAA", ns_t_aaaa },
	{ "CAA", TYPE_CAA },
	{ "CNAME", ns_t_cname },
	{ "MX", ns_t_mx },
	{ "NS", ns_t_ns },
	{ "PTR", ns_t_ptr },
	{ "SOA", ns_t_soa },
	{ "SRV", ns_t_srv },
	{ "TXT", ns_t_txt },
};
#define TYPE_NAMES "A, AAAA, CAA, CNAME, MX, NS, PTR, SOA, SRV or TXT"

struct question {
	char name[NS_MAXDNAME]; /* without a final dot; "." is the root */
	const struct type *type;
	unsigned char packed[NS_MAXCDNAME];
	size_t packed_len;
};

/* How long it is where it stands, or -1. */
static int
expand(const unsigned char *start, const unsigned char *end,
    const unsigned char *p, char name[NS_MAXDNAME])
{
	int len = dn_expand(start, end, p, name, NS_MAXDNAME);

	if (len >= 0 && name[0] == '\0')
		memcpy(name, ".", 2);
	return len;
}

static const struct type *
find_type(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strlen(types[i].name) == len &&
		    strncasecmp(types[i].name, name, len) == 0)
			return &types[i];
	return NULL;
}

/* 192.0.2.1 as 1.2.0.192.in-addr.arpa, and so on; other names as they are. */
static void
reverse_name(char name[NS_MAXDNAME])
{
	unsigned char address[16];
	struct ha_buf text = HA_BUF_INIT;

	if (inet_pton(AF_INET, name, address) == 1) {
		for (int i = 3; i >= 0; i--)
			ha_buf_addf(&text, "%u.", address[i]);
		ha_buf_add_str(&text, "in-addr.arpa");
	} else if (inet_pton(AF_INET6, name, address) == 1) {
		for (int i = 15; i >= 0; i--)
			ha_buf_addf(&text, "%x.%x.", address[i] & 15,
			    (unsigned)address[i] >> 4);
		ha_buf_add_str(&text, "ip6.arpa");
	}
	if (text.len > 0)
		memcpy(name, text.data, text.len + 1);
	ha_buf_release(&text);
}

static int
read_name(
    struct question *question, const char *path, size_t len, struct ha_err *err)
{
	int packed_len;

	if (len >= sizeof(question->name))
		return ha_err_set(err, EX_USAGE, 0, "the name is too long");
	memcpy(question->name, len > 0 ? path : ".", len > 0 ? len : 1);
	question->name[len > 0 ? len : 1] = '\0';
	if (question->type->number == ns_t_ptr)
		reverse_name(question->name);
	packed_len = dn_comp(question->name, question->packed,
	    sizeof(question->packed), NULL, NULL);
	if (packed_len < 0 || strpbrk(question->name, "/%"))
		return ha_err_set(err, EX_USAGE, 0,
		    "'%.300s' is no name for dns", question->name);
	question->packed_len = (size_t)packed_len;
	/* As it will be read out of the answer. */
	return expand(question->packed, question->packed + packed_len,
		   question->packed, question->name) < 0
		   ? ha_err_set(err, EX_USAGE, 0, "no name for dns")
		   : 0;
}

/* "/NAME?type=TYPE"; both may be left out. */
static int
read_path(struct question *question, const char *path, struct ha_err *err)
{
	static const char key[] = "type=";
	const char *query;
	size_t len;

	if (!path)
		path = "";
	path += *path == '/';
	len = strcspn(path, "?");
	query = path + len;
	question->type = find_type(len > 0 ? "A" : "NS", len > 0 ? 1 : 2);
	if (*query && strncasecmp(query + 1, key, sizeof(key) - 1) != 0)
		return ha_err_set(err, EX_USAGE, 0,
		    "a dns target has no '%.100s', but ?type=TYPE", query);
	if (*query) {
		const char *name = query + sizeof(key);

		question->type = find_type(name, strlen(name));
		if (!question->type)
			return ha_err_set(err, EX_USAGE, 0,
			    "'%.100s' is no type: " TYPE_NAMES, name);
	}
	return read_name(question, path, len, err);
}

static int
dns_check(const struct target *target, struct ha_err *err)
{
	struct question question;

	return read_path(&question, target->path, err);
}

static void
put16(struct ha_buf *packet, uint16_t number)
{
	ha_buf_add_char(packet, (char)(number >> 8));
	ha_buf_add_char(packet, (char)(number & 0xff));
}

static uint16_t
random16(void)
{
	uint16_t number;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		number = (uint16_t)ha_clock_now_ns();
	return number;
}

static void
dns_open(struct probe *probe, struct ha_buf *send)
{
	struct question question = { .packed_len = 0 };
	struct ha_err err;

	/* dns_check() has refused what could fail here. */
	if (read_path(&question, probe->target->path, &err))
		return;
	probe->note[0] = random16();
	put16(send, (uint16_t)probe->note[0]);
	put16(send, FLAG_RECURSE);
	put16(send, 1); /* question */
	put16(send, 0);
	put16(send, 0);
	put16(send, 0);
	ha_buf_add(send, question.packed, question.packed_len);
	put16(send, question.type->number);
	put16(send, ns_c_in);
}

/* An answer that is being read; every get_ returns -1 when it ends too early. */
struct packet {
	const unsigned char *start, *p, *end;
};

static int
get16(struct packet *packet)
{
	int number;

	if (packet->end - packet->p < 2)
		return -1;
	number = packet->p[0] << 8 | packet->p[1];
	packet->p += 2;
	return number;
}

static int64_t
get32(struct packet *packet)
{
	int high = get16(packet), low = get16(packet);

	return high < 0 || low < 0 ? -1 : (int64_t)high << 16 | low;
}

static int
get_name(struct packet *packet, char name[NS_MAXDNAME])
{
	int len = expand(packet->start, packet->end, packet->p, name);

	if (len < 0)
		return -1;
	packet->p += len;
	return 0;
}

/* The header's words. */
struct header {
	int flags, questions, answers;
};

static int
get_header(
    struct packet *packet, const struct probe *probe, struct header *header)
{
	int id = get16(packet);

	header->flags = get16(packet);
	header->questions = get16(packet);
	header->answers = get16(packet);
	if (packet->end - packet->p < 4)
		return -1;
	packet->p += 4;
	return id == (int)probe->note[0] && header->flags & FLAG_RESPONSE ? 0
									  : -1;
}

/* Does it repeat the question?  An error may come without it. */
static int
is_asked(struct packet *packet, const struct header *header,
    const struct question *question)
{
	char name[NS_MAXDNAME];

	if (header->questions == 0)
		return (header->flags & RCODE) != 0;
	return header->questions == 1 && get_name(packet, name) == 0 &&
	       strcasecmp(name, question->name) == 0 &&
	       get16(packet) == question->type->number &&
	       get16(packet) == ns_c_in;
}

static int
add_name(struct packet *data, struct ha_buf *text)
{
	char name[NS_MAXDNAME];

	if (get_name(data, name) < 0)
		return -1;
	ha_buf_add_str(text, name);
	return 0;
}

/* count numbers of 16 bits, a blank after each. */
static int
add_numbers(struct packet *data, int count, struct ha_buf *text)
{
	while (count-- > 0) {
		int number = get16(data);

		if (number < 0)
			return -1;
		ha_buf_addf(text, "%d ", number);
	}
	return 0;
}

static int
add_address(struct packet *data, int family, size_t len, struct ha_buf *text)
{
	char address[INET6_ADDRSTRLEN];

	if ((size_t)(data->end - data->p) != len ||
	    !inet_ntop(family, data->p, address, sizeof(address)))
		return -1;
	ha_buf_add_str(text, address);
	return 0;
}

/* The strings of a TXT record are one text that was cut at 255 bytes. */
static int
add_strings(struct packet *data, struct ha_buf *text)
{
	while (data->p < data->end) {
		size_t len = *data->p++;

		if ((size_t)(data->end - data->p) < len)
			return -1;
		ha_buf_add(text, data->p, len);
		data->p += len;
	}
	return 0;
}

static int
add_soa(struct packet *data, struct ha_buf *text)
{
	if (add_name(data, text) < 0)
		return -1;
	ha_buf_add_char(text, ' ');
	if (add_name(data, text) < 0)
		return -1;
	for (int i = 0; i < 5; i++) {
		int64_t number = get32(data);

		if (number < 0)
			return -1;
		ha_buf_addf(text, " %lld", (long long)number);
	}
	return 0;
}

static int
add_caa(struct packet *data, struct ha_buf *text)
{
	size_t tag;

	if (data->end - data->p < 2)
		return -1;
	tag = data->p[1];
	if ((size_t)(data->end - data->p) < 2 + tag)
		return -1;
	ha_buf_addf(text, "%u ", data->p[0]);
	ha_buf_add(text, data->p + 2, tag);
	ha_buf_add_str(text, " \"");
	ha_buf_add(
	    text, data->p + 2 + tag, (size_t)(data->end - data->p) - 2 - tag);
	ha_buf_add_char(text, '"');
	return 0;
}

/*
 * A record's data as text, as a zone file has it.  data ends where the record
 * does, but names in it may refer to all before.
 */
static int
add_data(struct packet *data, int type, struct ha_buf *text)
{
	switch (type) {
	case ns_t_a:
		return add_address(data, AF_INET, 4, text);
	case ns_t_aaaa:
		return add_address(data, AF_INET6, 16, text);
	case ns_t_txt:
		return add_strings(data, text);
	case ns_t_mx:
		return add_numbers(data, 1, text) ? -1 : add_name(data, text);
	case ns_t_srv:
		return add_numbers(data, 3, text) ? -1 : add_name(data, text);
	case ns_t_soa:
		return add_soa(data, text);
	case TYPE_CAA:
		return add_caa(data, text);
	default:
		return add_name(data, text);
	}
}

/* What the answers to the question say together. */
struct answers {
	struct ha_buf lines; /* one each */
	struct ha_buf words; /* the first ones */
	size_t count;
	int64_t ttl; /* the lowest */
	char alias[NS_MAXDNAME]; /* where the last CNAME led, or "" */
};

static void
add_answer(struct answers *answers, const struct ha_buf *text, int64_t ttl)
{
	ha_buf_add(&answers->lines, text->data, text->len);
	ha_buf_add_char(&answers->lines, '\n');
	if (answers->count == 0 || ttl < answers->ttl)
		answers->ttl = ttl;
	if (answers->count++ < MAX_SAID) {
		if (answers->words.len > 0)
			ha_buf_add_str(&answers->words, "; ");
		ha_buf_add(&answers->words, text->data, text->len);
	}
}

/* One record.  Of other types only CNAME is looked at. */
static int
get_record(struct packet *packet, const struct question *question,
    struct answers *answers)
{
	struct ha_buf text = HA_BUF_INIT;
	char owner[NS_MAXDNAME];
	struct packet data;
	int type, class, len, rc = 0;
	int64_t ttl;

	if (get_name(packet, owner) < 0)
		return -1;
	type = get16(packet);
	class = get16(packet);
	ttl = get32(packet);
	len = get16(packet);
	if (len < 0 || packet->end - packet->p < len)
		return -1;
	data = (struct packet){ packet->start, packet->p, packet->p + len };
	packet->p += len;
	if (class != ns_c_in)
		return 0;
	if (type == question->type->number) {
		rc = add_data(&data, type, &text);
		if (rc == 0)
			add_answer(answers, &text, ttl);
	} else if (type == ns_t_cname) {
		rc = get_name(&data, answers->alias);
	}
	ha_buf_release(&text);
	return rc;
}

static const char *
rcode_name(int rcode)
{
	static const char *const names[] = { "NOERROR", "FORMERR", "SERVFAIL",
		"NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET",
		"NXRRSET", "NOTAUTH", "NOTZONE" };

	return (size_t)rcode < sizeof(names) / sizeof(names[0])
		   ? names[rcode]
		   : "an unknown error";
}

static enum dialog_step
say_answers(struct probe *probe, struct answers *answers, const char *remark)
{
	struct ha_buf *words = &answers->words;

	if (answers->count > MAX_SAID)
		ha_buf_addf(words, "; %zu more", answers->count - MAX_SAID);
	if (answers->count > 0)
		ha_buf_addf(words, ", ttl %lld", (long long)answers->ttl);
	ha_buf_add_str(words, remark);
	dialog_say(probe, answers->lines.data, answers->lines.len);
	ha_buf_reset(&probe->seen.words);
	ha_buf_add(&probe->seen.words, words->data, words->len);
	return DIALOG_DONE;
}

static enum dialog_step
judge(struct probe *probe, const struct header *header,
    const struct question *question, struct answers *answers)
{
	int rcode = header->flags & RCODE;

	if (rcode != 0) {
		probe_fail(probe, FAULT_TARGET, "%s for %s %s",
		    rcode_name(rcode), question->name, question->type->name);
		return DIALOG_FAILED;
	}
	if (header->flags & FLAG_TRUNCATED)
		return say_answers(probe, answers,
		    answers->count > 0 ? " (truncated)"
				       : "truncated: the answer is long");
	if (answers->count > 0)
		return say_answers(probe, answers, "");
	probe_fail(probe, FAULT_TARGET, "no %s record for %s%s%s",
	    question->type->name, question->name,
	    answers->alias[0] ? ", an alias of " : "", answers->alias);
	return DIALOG_FAILED;
}

static enum dialog_step
read_answers(struct probe *probe, struct packet *packet,
    const struct header *header, const struct question *question)
{
	struct answers answers = { .lines = HA_BUF_INIT, .words = HA_BUF_INIT };
	enum dialog_step step;
	int i = 0;

	while (
	    i < header->answers && get_record(packet, question, &answers) == 0)
		i++;
	/* A truncated answer may end anywhere. */
	if (i < header->answers && !(header->flags & FLAG_TRUNCATED)) {
		probe_fail(probe, FAULT_TARGET,
		    "its answer is malformed: record %d of %d", i + 1,
		    header->answers);
		step = DIALOG_FAILED;
	} else {
		step = judge(probe, header, question, &answers);
	}
	ha_buf_release(&answers.lines);
	ha_buf_release(&answers.words);
	return step;
}

static enum dialog_step
dns_input(
    struct probe *probe, struct ha_buf *in, int is_end, struct ha_buf *send)
{
	const unsigned char *data = (const unsigned char *)in->data;
	struct packet packet = { data, data, data + in->len };
	enum dialog_step step = DIALOG_MORE;
	struct question question;
	struct header header;
	struct ha_err err;

	(void)send;
	if (in->len > 0 &&
	    read_path(&question, probe->target->path, &err) == 0) {
		/* What is no answer to this question may be anybody's. */
		if (get_header(&packet, probe, &header) == 0 &&
		    is_asked(&packet, &header, &question))
			step = read_answers(probe, &packet, &header, &question);
		else
			probe->awaited =
			    "answer to this question, but to another";
	}
	ha_buf_consume(in, in->len);
	if (step == DIALOG_MORE && is_end) {
		probe_fail(probe, FAULT_TARGET, "no answer");
		return DIALOG_FAILED;
	}
	return step;
}

const struct dialog dialog_dns = {
	.open = dns_open,
	.input = dns_input,
	.check = dns_check,
	.max_input = MAX_ANSWER,
	.awaited = "answer",
};
