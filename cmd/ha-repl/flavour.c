/* SPDX-License-Identifier: ISC */
/* flavour - which one a server speaks, and what all of them call alike. */
#include <string.h>

#include "flavour.h"
#include "words.h"

const struct flavour *
flavour_of(const char *version)
{
	return strstr(version, "MariaDB") ? &flavour_mariadb : &flavour_mysql;
}

const struct flavour *
flavour_other(const struct flavour *flavour)
{
	return flavour == &flavour_mysql       ? &flavour_mysql_old
	       : flavour == &flavour_mysql_old ? &flavour_mysql
					       : NULL;
}

void
flavour_add(struct ha_buf *sql, const struct flavour *flavour,
    enum flavour_verb verb, const char *channel)
{
	static const char *const words[][2] = {
		[FLAVOUR_START] = { "START", "" },
		[FLAVOUR_START_RECEIVER] = { "START", " IO_THREAD" },
		[FLAVOUR_START_APPLIER] = { "START", " SQL_THREAD" },
		[FLAVOUR_STOP] = { "STOP", "" },
		[FLAVOUR_STOP_RECEIVER] = { "STOP", " IO_THREAD" },
		[FLAVOUR_RESET] = { "RESET", " ALL" },
	};

	ha_buf_addf(sql, "%s %s", words[verb][0], flavour->replica);
	if (flavour->names_channel_first && *channel) {
		ha_buf_add_char(sql, ' ');
		ha_db_add_string(sql, channel);
	}
	ha_buf_add_str(sql, words[verb][1]);
	if (!flavour->names_channel_first)
		words_for_channel(sql, channel);
}
