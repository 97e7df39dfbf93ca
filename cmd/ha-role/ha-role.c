/* SPDX-License-Identifier: ISC */
/*
 * ha-role - show, ask for or set this node's role: the file that keeps a
 * rebooted old primary from overwriting the new one.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "buf.h"
#include "fs.h"
#include "msg.h"
#include "opt.h"
#include "out.h"
#include "rec.h"
#include "role.h"

static const char *format, *file, *reason;
static int64_t epoch = -1;
static int dry_run;

static const struct ha_opt opts[] = {
	{ 0, "reason", "WORDS", HA_OPT_STRING, &reason,
	    "set: why, in words; needed" },
	{ 0, "epoch", "N", HA_OPT_NUMBER, &epoch,
	    "set: become active with N, or have N at least as standby; without "
	    "a role: what a standby learns" },
	{ 'n', "dry-run", NULL, HA_OPT_FLAG, &dry_run,
	    "set: show the line that would be written, and write nothing" },
	{ 'F', "format", "FORMAT", HA_OPT_STRING, &format, "show: tsv or json",
	    NULL, "tsv|json" },
	{ 0, "file", "FILE", HA_OPT_STRING, &file,
	    "the role file (HA_STATE_DIR/role, else /var/lib/ha/role)" },
	{ 0, NULL, NULL, HA_OPT_FLAG, NULL, NULL },
};

static const struct ha_opt_command command = {
	.name = "ha-role",
	.synopsis = "[options] show | is ROLE | set [ROLE] --reason WORDS",
	.purpose = "show or set this node's role and epoch",
	.details =
	    "ROLE is active or standby.\n"
	    "  ha-role set active --reason 'web1 is dead'\n"
	    "  ha-role is active && make-the-backup\n"
	    "\n"
	    "Exit status: 0 done, yes; 1 no, or nothing to show; 64 usage; 66 is: there\n"
	    "is no role file; 73 can't write there; 75 locked; 77 refused; 78 the file is\n"
	    "malformed or can't be read.\n",
	.operands = "show|is|set|active|standby",
	.opts = opts,
};

static void
print_role(const struct ha_role *role)
{
	struct ha_buf line = HA_BUF_INIT, text = HA_BUF_INIT;

	if (format && !strcmp(format, "json")) {
		ha_role_encode_json(&line, role);
	} else {
		ha_role_encode(&line, role);
		if (isatty(STDOUT_FILENO)) {
			ha_rec_add_printable(
			    &text, role->reason, strlen(role->reason));
			ha_buf_truncate(&line,
			    (size_t)(strrchr(line.data, '\t') + 1 - line.data));
			ha_buf_addf(&line, "%s\n", text.len ? text.data : "-");
		}
	}
	ha_out_write(line.data, line.len);
	ha_buf_release(&line);
	ha_buf_release(&text);
}

/* 1, or 0 when roles are not in use; what can't be read is the end. */
static int
read_role(struct ha_role *role, const char *path)
{
	struct ha_err err;
	int is_there = ha_role_read(role, path, &err);

	if (is_there < 0)
		ha_die_err(&err);
	return is_there;
}

static int
show(struct ha_role *role, const char *path)
{
	if (!read_role(role, path)) {
		ha_say("roles are not in use: there is no '%s'", path);
		return 1;
	}
	print_role(role);
	return EX_OK;
}

static int
is(struct ha_role *role, const char *path, const char *name)
{
	if (!read_role(role, path))
		ha_die(
		    EX_NOINPUT, "roles are not in use: there is no '%s'", path);
	return strcmp(ha_role_name(role), name) ? 1 : EX_OK;
}

/* Without the privilege the directory that is needed is named. */
static int
write_role(struct ha_role *role, const char *path,
    const struct ha_role_wish *wish, struct ha_err *err)
{
	const char *dir;
	int result;

	if (file)
		return ha_role_set(role, path, wish, err);
	if (ha_fs_dir("HA_STATE_DIR", "/var/lib/ha", &dir, err))
		return -1;
	result = ha_role_set(role, path, wish, err);
	if (result < 0 && err->status == EX_CANTCREAT)
		ha_err_set(err, EX_CANTCREAT, 0,
		    "the directory '%s' (HA_STATE_DIR): %s", dir, err->msg);
	return result;
}

/* 1; 0 when it is so already. */
static int
apply(struct ha_role *role, const char *path, const struct ha_role_wish *wish)
{
	struct ha_err err;
	int result;

	if (dry_run)
		result = ha_role_apply(role, read_role(role, path), wish, &err);
	else
		result = write_role(role, path, wish, &err);
	if (result < 0)
		ha_die_err(&err);
	return result;
}

static int
set(struct ha_role *role, const char *path, const char *name)
{
	struct ha_role_wish wish = { HA_ROLE_LEARN, epoch, reason };

	if (name)
		wish.verb = strcmp(name, "active") ? HA_ROLE_STAND_BY
						   : HA_ROLE_ACTIVATE;
	if (!apply(role, path, &wish))
		ha_say("already %s with epoch %llu", ha_role_name(role),
		    (unsigned long long)role->epoch);
	else if (role->is_active && role->epoch == 1)
		ha_say("this is the first epoch: if the other node has been "
		       "active, it needs --epoch N above that node's");
	print_role(role);
	return EX_OK;
}

static _Noreturn void
refuse(const char *what)
{
	ha_die(EX_USAGE, "%s; try 'ha-role --help'", what);
}

static void
check_usage(const char *verb, const char *name)
{
	int is_set = !strcmp(verb, "set");

	if (!is_set && strcmp(verb, "is") && strcmp(verb, "show"))
		ha_die(EX_USAGE,
		    "'%s' is none of show, is, set; try 'ha-role --help'",
		    verb);
	if (name && !strcmp(verb, "show"))
		refuse("show takes no operand");
	if (name && strcmp(name, "active") && strcmp(name, "standby"))
		ha_die(EX_USAGE,
		    "'%s' is neither active nor standby; try 'ha-role --help'",
		    name);
	if (format && strcmp(verb, "show"))
		refuse("-F goes with show");
	if (!is_set && (reason || epoch >= 0 || dry_run))
		refuse("--reason, --epoch and -n go with set");
	if (!name && !strcmp(verb, "is"))
		refuse("which role? active or standby");
	if (!name && is_set && epoch < 0)
		refuse("which role? active or standby; or --epoch N alone");
	if (is_set && (!reason || !*reason))
		refuse("set needs --reason WORDS");
	if (file && !*file)
		refuse("--file needs a name");
}

int
main(int argc, char **argv)
{
	struct ha_role role;
	const char *name;
	char *path;
	int first, status;

	ha_msg_init("ha-role");
	first = ha_opt_parse(argc, argv, &command, EX_USAGE);
	if (first == argc)
		refuse("what is to be done? show, is or set");
	if (argc - first > 2)
		refuse("too many operands");
	name = argv[first + 1];
	check_usage(argv[first], name);
	path = file ? ha_xstrdup(file) : ha_role_path();
	ha_role_init(&role);
	if (!strcmp(argv[first], "show"))
		status = show(&role, path);
	else if (!strcmp(argv[first], "is"))
		status = is(&role, path, name);
	else
		status = set(&role, path, name);
	ha_role_release(&role);
	free(path);
	return status;
}
