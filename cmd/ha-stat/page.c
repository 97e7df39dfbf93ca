/* SPDX-License-Identifier: ISC */
/* page - what a person wants to see of a machine first, on one page. */
#include "page.h"

#include <langinfo.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "alloc.h"
#include "ask.h"
#include "clock.h"
#include "kernel.h"
#include "kinds.h"
#include "mounts.h"
#include "out.h"
#include "proctable.h"
#include "rates.h"
#include "rec.h"
#include "text.h"

#define INDENT 2
#define STATE_WIDTH 9 /* "UNKNOWN" and a gap */
#define LABEL_MAX 24
#define TOP 4
/* Messages narrower than this say nothing. */
#define LEAST_MESSAGE 24

struct row {
	struct ha_buf label, message; /* printable */
	enum ha_status_state state;
	double gauge;
	int is_shown;
};

struct page {
	struct row *rows;
	size_t count;
	size_t label_width, bar_width;
	size_t width; /* of the terminal; 0: none */
	int is_coloured, is_utf8;
	enum ha_status_state worst;
};

/* File systems of other machines that a person counts among the disks. */
static const char *const remote_types[] = { "9p", "afs", "ceph", "cifs",
	"fuse.ceph", "fuse.glusterfs", "fuse.sshfs", "fuseblk", "gfs2",
	"lustre", "nfs", "nfs4", "ocfs2", "smb3", "virtiofs" };
/* Always full, by their nature. */
static const char *const full_types[] = { "cramfs", "erofs", "iso9660",
	"squashfs", "udf" };

static int
is_one_of(const char *word, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(word, list[i]))
			return 1;
	return 0;
}

#define IS_ONE_OF(word, list)                                                  \
	is_one_of(word, list, sizeof(list) / sizeof(*(list)))

static int
is_directory(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static int
is_disk(const struct mount *mount)
{
	if (IS_ONE_OF(mount->type, remote_types))
		return 1;
	if (mount->may_block || IS_ONE_OF(mount->type, full_types))
		return 0;
	if (!strcmp(mount->point, "/") || !strcmp(mount->type, "zfs"))
		return 1;
	if (*mount->source != '/')
		return 0;
	/* The way there may lead over what doesn't answer. */
	return ask_key(mounts_of(mount->point)) || is_directory(mount->point);
}

/* Is the same file system mounted further up in the table? */
static int
is_seen(const struct mount *mounts, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (mounts[j].major == mounts[i].major &&
		    mounts[j].minor == mounts[i].minor && is_disk(&mounts[j]))
			return 1;
	return 0;
}

static void
add_disk(void (*add)(void *context, const char *check), void *context,
    const char *kind, const char *path)
{
	struct ha_buf text = HA_BUF_INIT;

	ha_buf_addf(&text, "%s:", kind);
	for (; *path; path++)
		if (*path == '%' || *path == '?')
			ha_buf_addf(&text, "%%%02x", *path);
		else
			ha_buf_add_char(&text, *path);
	add(context, text.data);
	ha_buf_release(&text);
}

void
page_checks(void (*add)(void *context, const char *check), void *context)
{
	static const char *const first[] = { "load", "cpu", "mem", "swap" };
	static const char *const last[] = { "io", "net", "clock", "units",
		"uptime" };
	const struct mount *mounts;
	struct ha_err err;
	size_t count;

	for (size_t i = 0; i < sizeof(first) / sizeof(*first); i++)
		add(context, first[i]);
	if (mounts_all(&mounts, &count, &err))
		count = 0;
	for (size_t i = 0; i < count; i++) {
		if (!is_disk(&mounts[i]) || is_seen(mounts, i))
			continue;
		add_disk(add, context, "disk", mounts[i].point);
		add_disk(add, context, "inode", mounts[i].point);
	}
	for (size_t i = 0; i < sizeof(last) / sizeof(*last); i++)
		add(context, last[i]);
}

static void
add_printable(struct ha_buf *to, const char *text)
{
	ha_rec_add_printable(to, text, strlen(text));
}

static void
report(void *context, size_t order, struct check *check)
{
	struct page *page = context;
	struct row *row = &page->rows[order];
	const char *about = check->argument ? check->argument : check->subject;
	struct ha_buf message = HA_BUF_INIT;

	add_printable(&row->label, check->kind->name);
	if (about) {
		ha_buf_add_char(&row->label, ' ');
		add_printable(&row->label, about);
	}
	check_words(check, &message);
	add_printable(&row->message, message.data);
	ha_buf_release(&message);
	row->state = check->state;
	row->gauge = check->gauge;
	/* That a file system doesn't count inodes is no news. */
	row->is_shown = check->kind != &kind_inode ||
			check->state != HA_STATUS_OK || !isnan(check->gauge);
	page->worst = ha_status_worse(page->worst, check->state);
}

/* What one process did between two passes. */
struct busy {
	const struct process *process;
	double value;
};

static int
compare_busy(const void *a, const void *b)
{
	const struct busy *left = a, *right = b;

	return (left->value < right->value) - (left->value > right->value);
}

static double
ticks_since(const struct proctable *before, const struct process *process)
{
	const struct process *old = proctable_find(before, process->pid);

	if (!old || old->start_ticks != process->start_ticks)
		return (double)process->cpu_ticks;
	return (double)(process->cpu_ticks - old->cpu_ticks);
}

static void
add_top(
    struct ha_buf *text, const struct busy *all, size_t count, int is_memory)
{
	char words[WORDS_SIZE];

	for (size_t i = 0; i < count && i < TOP && all[i].value >= 0.5; i++) {
		if (i)
			ha_buf_add_str(text, ", ");
		add_printable(text, all[i].process->comm);
		ha_buf_addf(text, " (%d) ", (int)all[i].process->pid);
		if (is_memory)
			ha_buf_add_str(text, words_bytes(words, all[i].value));
		else
			ha_buf_addf(text, "%d%%", words_percent(all[i].value));
	}
	if (!text->len)
		ha_buf_add_str(text, "-");
}

static struct row *
add_row(struct page *page, const char *label)
{
	struct row *row = &page->rows[page->count++];

	ha_buf_add_str(&row->label, label);
	row->gauge = NAN;
	row->is_shown = 1;
	return row;
}

/* Two rows: who took the processors between the passes, who has memory. */
static void
add_processes(struct page *page, const struct proctable *before,
    const struct proctable *now, double seconds)
{
	struct busy *all = ha_xcalloc(now->count + 1, sizeof(*all));
	double percent = 100 / proctable_hertz() / seconds;

	for (size_t i = 0; i < now->count; i++)
		all[i] = (struct busy){ &now->all[i],
			ticks_since(before, &now->all[i]) * percent };
	qsort(all, now->count, sizeof(*all), compare_busy);
	add_top(&add_row(page, "most cpu")->message, all, now->count, 0);
	for (size_t i = 0; i < now->count; i++)
		all[i] = (struct busy){ &now->all[i], (double)now->all[i].rss };
	qsort(all, now->count, sizeof(*all), compare_busy);
	add_top(&add_row(page, "most memory")->message, all, now->count, 1);
	free(all);
}

static void
set_up(struct page *page, size_t checks)
{
	page->width = ha_text_terminal_width();
	page->is_coloured = ha_text_is_coloured();
	page->is_utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	page->rows = ha_xcalloc(checks + 2, sizeof(*page->rows));
	page->count = checks;
	for (size_t i = 0; i < checks + 2; i++) {
		ha_buf_init(&page->rows[i].label);
		ha_buf_init(&page->rows[i].message);
	}
}

static void
measure(struct page *page)
{
	for (size_t i = 0; i < page->count; i++) {
		size_t width = ha_text_width(page->rows[i].label.data);

		if (width > LABEL_MAX)
			width = LABEL_MAX;
		if (page->rows[i].is_shown && width > page->label_width)
			page->label_width = width;
	}
	if (page->width >= 72)
		page->bar_width = page->width >= 100 ? 20 : 10;
}

/* "NAME: Debian GNU/Linux 12 (bookworm), Linux 6.1.0" */
static void
add_title(struct ha_buf *out)
{
	struct ha_buf text = HA_BUF_INIT;
	struct utsname names;
	struct ha_err err;
	const char *name;

	if (uname(&names))
		return;
	add_printable(out, names.nodename);
	ha_buf_add_str(out, ": ");
	if (!kernel_read("/etc/os-release", &text, &err) &&
	    (name = strstr(text.data, "PRETTY_NAME=\""))) {
		name += strlen("PRETTY_NAME=\"");
		ha_rec_add_printable(out, name, strcspn(name, "\"\n"));
		ha_buf_add_str(out, ", ");
	}
	add_printable(out, names.sysname);
	ha_buf_add_char(out, ' ');
	add_printable(out, names.release);
	ha_buf_add_str(out, "\n\n");
	ha_buf_release(&text);
}

static void
add_blanks(struct ha_buf *out, size_t count)
{
	ha_buf_addf(out, "%*s", (int)count, "");
}

static void
begin_colour(
    struct ha_buf *out, const struct page *page, enum ha_status_state state)
{
	if (page->is_coloured)
		ha_buf_add_str(out, ha_text_colour(state));
}

static void
end_colour(struct ha_buf *out, const struct page *page)
{
	if (page->is_coloured)
		ha_buf_add_str(out, HA_TEXT_PLAIN);
}

static void
add_bar(struct ha_buf *out, const struct page *page, const struct row *row)
{
	double gauge = row->gauge < 0 ? 0 : row->gauge > 1 ? 1 : row->gauge;
	size_t full;

	if (!page->bar_width)
		return;
	if (isnan(row->gauge)) {
		add_blanks(out, page->bar_width + 2);
		return;
	}
	full = (size_t)(gauge * (double)page->bar_width + 0.5);
	begin_colour(out, page, row->state);
	for (size_t i = 0; i < page->bar_width; i++)
		if (page->is_utf8)
			ha_buf_add_str(
			    out, i < full ? "\342\226\210" : "\342\226\221");
		else
			ha_buf_add_char(out, i < full ? '#' : '.');
	end_colour(out, page);
	add_blanks(out, 2);
}

/* Cut to the column's width, or padded; a path's end tells more. */
static void
add_label(struct ha_buf *out, const struct page *page, const struct row *row)
{
	size_t used;
	size_t len = ha_text_fit(
	    row->label.data, row->label.len, page->label_width, &used);

	add_blanks(out, INDENT);
	ha_buf_add(out, row->label.data, len);
	add_blanks(out, page->label_width - used + 2);
}

static void
add_line(struct ha_buf *out, const struct page *page, const struct row *row,
    int has_state)
{
	size_t indent = INDENT + page->label_width + 2 +
			(page->bar_width ? page->bar_width + 2 : 0) +
			STATE_WIDTH;
	size_t room = page->width > indent + LEAST_MESSAGE
			  ? page->width - indent
			  : LEAST_MESSAGE;

	add_label(out, page, row);
	add_bar(out, page, row);
	if (has_state) {
		begin_colour(out, page, row->state);
		ha_buf_addf(
		    out, "%-*s", STATE_WIDTH, ha_status_name(row->state));
		end_colour(out, page);
	} else {
		add_blanks(out, STATE_WIDTH);
	}
	if (page->width)
		ha_text_add_wrapped(out, row->message.data, room, indent);
	else
		ha_buf_add_str(out, row->message.data);
	ha_buf_add_char(out, '\n');
}

static void
print(struct page *page, size_t checks)
{
	struct ha_buf out = HA_BUF_INIT;

	measure(page);
	add_title(&out);
	for (size_t i = 0; i < page->count; i++) {
		if (i == checks)
			ha_buf_add_char(&out, '\n');
		if (page->rows[i].is_shown)
			add_line(&out, page, &page->rows[i], i < checks);
		ha_buf_release(&page->rows[i].label);
		ha_buf_release(&page->rows[i].message);
	}
	ha_out_write(out.data, out.len);
	ha_buf_release(&out);
	free(page->rows);
}

enum ha_status_state
page_show(const struct round *round)
{
	struct round ours = *round;
	struct page page = { .worst = HA_STATUS_OK };
	struct proctable before, now;
	int64_t start_ns = ha_clock_now_ns();
	struct ha_err err;
	int has_processes;

	set_up(&page, round->count);
	ours.report = report;
	ours.context = &page;
	proctable_open(&before, "/proc");
	proctable_open(&now, "/proc");
	has_processes = !proctable_pass(&before, &err);
	rates_open(1);
	round_run(&ours);
	if (has_processes && !proctable_pass(&now, &err))
		add_processes(&page, &before, &now,
		    (double)(ha_clock_now_ns() - start_ns) / (double)HA_S_NS);
	proctable_close(&before);
	proctable_close(&now);
	rates_close(&err);
	print(&page, round->count);
	return page.worst;
}
