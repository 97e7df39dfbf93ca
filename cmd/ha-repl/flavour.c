/* SPDX-License-Identifier: ISC */
/* flavour - which one a server speaks. */
#include <string.h>

#include "flavour.h"

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
