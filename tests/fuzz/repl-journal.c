/* SPDX-License-Identifier: ISC */
/*
 * repl-journal - any journal is refused or read; what is written behind it
 * is read again.
 */
#include "journal.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs.h"
#include "settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In memory, as each step is synced. */
static char dir[] = "/dev/shm/ha-fuzz.XXXXXX";
static char repl[sizeof(dir) + 8], path[sizeof(dir) + 24],
    lock[sizeof(dir) + 24];

static void
clean_up(void)
{
	unlink(path);
	unlink(lock);
	rmdir(repl);
	rmdir(dir);
}

static void
prepare(void)
{
	if (*repl)
		return;
	if (!mkdtemp(dir) || setenv("HA_STATE_DIR", dir, 1) || atexit(clean_up))
		abort();
	snprintf(repl, sizeof(repl), "%s/repl", dir);
	snprintf(path, sizeof(path), "%s/a.journal", repl);
	snprintf(lock, sizeof(lock), "%s/a.lock", repl);
	if (mkdir(repl, 0700))
		abort();
}

/* "old" or "goal", if it is whole: as it is loaded, so it is saved. */
static void
look(struct journal *journal, const char *prefix)
{
	struct settings settings, again;
	struct ha_err err;

	settings_init(&settings);
	settings_init(&again);
	if (!settings_load(&settings, journal, prefix, &err)) {
		settings_save(&settings, journal, "again");
		if (settings_load(&again, journal, "again", &err) ||
		    !settings_equal(&settings, &again))
			abort();
	} else if (err.status != EX_CONFIG) {
		abort();
	}
	settings_release(&settings);
	settings_release(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct journal *journal;
	struct ha_err err;

	prepare();
	if (ha_fs_replace(path, data, size, 0600, &err))
		abort();
	if (journal_open(&journal, "a", &err)) {
		if (err.status != EX_CONFIG)
			abort();
		return 0;
	}
	look(journal, "old");
	journal_set(journal, "k\t", "v\n\\");
	if (journal_step(journal, "a step", &err))
		abort();
	journal_close(journal);
	if (journal_open(&journal, "a", &err) ||
	    strcmp(journal_get(journal, "k\t"), "v\n\\") != 0 ||
	    !journal_is_begun(journal, "a step") ||
	    journal_end(journal, &err) || journal_find("a", &err))
		abort();
	return 0;
}
