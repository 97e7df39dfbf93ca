/* SPDX-License-Identifier: ISC */
/*
 * seed - fill an empty replica with its source's data, then point it there.
 *
 * HA_STATE_DIR/repl/NODE:seed.journal (journal.h) is there from before the
 * first row until the replica replicates: step "fill" begun, it may hold half
 * of the data; done, all of it, and the position they were taken at.
 */
#ifndef REPL_SEED_H
#define REPL_SEED_H

#include <stdint.h>

#include "act.h"

struct seed;

/*
 * A way to fill it.  -1: EX_TEMPFAIL, EX_UNAVAILABLE, EX_CONFIG, EX_NOPERM;
 * EX_SOFTWARE when something is half done and err says what to do.
 */
struct seed_method {
	const char *name;
	/* Is it possible at all?  The goal (act) is known. */
	int (*check)(struct seed *seed, struct ha_err *err);
	/* Print what it would run. */
	void (*show)(const struct seed *seed);
	/*
	 * Take the data as they were at one moment into the replica, which is
	 * changed only behind seed_begin().  When nothing has changed, or all
	 * was undone, the journal is ended.
	 */
	int (*run)(struct seed *seed, struct ha_err *err);
	/* All is there, over a new connection: make it a replica's. */
	int (*settle)(struct seed *seed, struct ha_err *err);
	/* Go on with a run that was killed; NULL: it has to begin anew. */
	int (*resume)(struct seed *seed, struct ha_err *err);
};

/* What makes an account, read before the data were taken. */
struct seed_statement {
	char *account; /* for messages; both are owned */
	char *sql; /* may hold a password's hash */
};

struct seed {
	struct repl repl; /* as point will get it */
	struct act act; /* both nodes, connected and read */
	const struct seed_method *method; /* NULL: not chosen */
	struct journal *journal; /* NODE:seed; NULL: -n, or it was ended */
	char *file; /* where in the source's log the data were taken; owned */
	uint64_t at;
	char *gtids; /* the same by GTIDs; "": it has none */
	int source_lacks_plugin, lacks_plugin; /* clone, with -n */
	char *directory; /* backup: the replica's data; owned, of its check */
	char *socket; /* and the source's */
	struct seed_statement *statements; /* dump: of accounts; owned */
	size_t statement_count, account_count;
	int64_t stall_ms; /* how long nothing may move */
	uint64_t bytes; /* that were copied */
};

/* The position, if it is known, and that the filling begins, are journaled. */
int seed_begin(struct seed *seed, struct ha_err *err);
/* Where the data were taken; it is on disk with the next step. */
void seed_note_position(
    struct seed *seed, const char *file, uint64_t at, const char *gtids);
/* A statement at the replica. */
int seed_say(struct seed *seed, const char *sql, struct ha_err *err);
/* For a method's settle. */
int seed_disable_events(struct seed *seed, struct ha_err *err);
int seed_reset_channels(struct seed *seed, struct ha_err *err);
int seed_set_gtids(struct seed *seed, struct ha_err *err);
/* What system schemas are, for NOT IN (...). */
#define SEED_SYSTEM                                                            \
	"('mysql', 'information_schema', 'performance_schema', 'sys')"

/* For recover: is there a journal of a seed?  What it says can't be read: 1. */
int seed_is_left(const char *node);
/* Finish it: the exit status. */
int seed_recover(const struct repl *repl, const char *node);

/* seed-method.c: */
/* NULL: there is none of this name. */
const struct seed_method *seed_method(const char *name);
/* The best that is possible, or --method; the others' reasons with -v. */
int seed_choose(struct seed *seed, struct ha_err *err);
/* Both are 9.7, or 10.11, whatever comes behind that. */
int seed_is_one_series(const struct seed *seed);
/* The first cell of what a statement returns; *cell is owned, or NULL. */
int seed_ask(struct seed *seed, struct ha_db *db, const char *sql, char **cell,
    struct ha_err *err);
/* One number, asked at the source. */
int
seed_count(struct seed *seed, const char *sql, int64_t *n, struct ha_err *err);
/*
 * A replica that gets the source's accounts is logged in to as before: does
 * that open the source?
 */
int seed_check_accounts(struct seed *seed, struct ha_err *err);

/* seed-dump.c: by mariadb-dump or mysqldump, through this machine. */
int seed_dump_check(struct seed *seed, struct ha_err *err);
void seed_dump_show(const struct seed *seed);
int seed_dump(struct seed *seed, struct ha_err *err);
int seed_dump_settle(struct seed *seed, struct ha_err *err);

/* seed-accounts.c: what a dump leaves out. */
/*
 * Read those of the source that the replica has not, but for the system's.
 * Before the data are taken: what comes later comes through the log.  What
 * can't be read or made is warned of, without its words.
 */
void seed_read_accounts(struct seed *seed);
/* Make them; sql_log_bin is off. */
void seed_make_accounts(struct seed *seed);
void seed_forget_accounts(struct seed *seed);

/* seed-clone.c: by MySQL's CLONE. */
int seed_clone_check(struct seed *seed, struct ha_err *err);
void seed_clone_show(const struct seed *seed);
int seed_clone(struct seed *seed, struct ha_err *err);
int seed_clone_settle(struct seed *seed, struct ha_err *err);
int seed_clone_resume(struct seed *seed, struct ha_err *err);

/* point.c: what has been filled, while its journal is open: the exit status. */
int point_filled(const struct repl *repl, char **operands);

/* seed-backup.c: by mariadb-backup, which both machines have. */
int seed_backup_check(struct seed *seed, struct ha_err *err);
void seed_backup_show(const struct seed *seed);
int seed_backup(struct seed *seed, struct ha_err *err);
int seed_backup_settle(struct seed *seed, struct ha_err *err);
int seed_backup_resume(struct seed *seed, struct ha_err *err);

/* seed-login.c: */
/*
 * A descriptor whose /proc/self/fd/N is a defaults file to reach the node with
 * MySQL's tools as db has reached it; is_oracle: of those that are not
 * MariaDB's.  Nobody else can read it.  -1.
 */
int seed_login(const struct repl *repl, const struct node *node,
    const struct ha_db *db, int is_oracle, struct ha_err *err);

/* The same for the node's own machine; it is read from its beginning. */
int seed_login_socket(const struct repl *repl, const struct node *node,
    const char *socket, struct ha_err *err);

/* seed-pipe.c: two programs, one writes what the other reads. */
struct seed_end {
	pid_t pid; /* 0: not started, or reaped */
	int pidfd;
	int data; /* our end of its stdout or stdin; -1: closed */
	int in; /* a writer's stdin, which stays the caller's; -1: none */
	int errors; /* of its stderr; -1 */
	const char *promise; /* what its last words there have if all went
				well; NULL; borrowed */
	char words[512]; /* the last of what it said there */
	size_t word_len;
	const char *name, *node; /* for messages; borrowed */
};

void seed_end_init(struct seed_end *end, const char *name, const char *node);
/* Start it; a writer's stdout is ours to read, a reader's stdin to write. */
int seed_end_start(struct seed_end *end, const char *const *argv, int keep,
    int is_writer, struct ha_err *err);
/* Ends it if it still runs. */
void seed_end_release(struct seed_end *end);
/*
 * Read from it into head until the text is in there, its end or limit bytes.
 * Returns 1 at its end, -1: EX_TEMPFAIL after deadline_ns.
 */
int seed_pipe_head(struct seed_end *from, const char *text, size_t limit,
    struct ha_buf *head, int64_t deadline_ns, struct ha_err *err);
/* Reap it: -1 when it failed, in its own words. */
int
seed_end_reap(struct seed_end *end, int64_t deadline_ns, struct ha_err *err);
/*
 * Write the head, then copy all, until both have ended well and the last words
 * were `last`, unless that is NULL, as head may be.  -1 as soon as one of them fails or nothing moves for stall_ms.
 */
int
seed_pipe(struct seed_end *from, struct seed_end *to, const struct ha_buf *head,
    const char *last, int64_t stall_ms, uint64_t *bytes, struct ha_err *err);

#endif
