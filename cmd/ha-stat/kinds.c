/* SPDX-License-Identifier: ISC */
/* kinds - the table of all of them. */
#include "kinds.h"

const struct kind *const kinds[] = {
	&kind_load,
	NULL,
};
