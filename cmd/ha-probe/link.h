/* SPDX-License-Identifier: ISC */
/*
 * link - is it our own cable?
 */
#ifndef LINK_H
#define LINK_H

#include <net/if.h>

#include "resolve.h"

/*
 * Does the route to address lead out of an interface that is down or has no
 * carrier?  Then 1, and its name.  Source: rtnetlink(7), netdevice(7).
 */
int link_is_down(const struct address *address, char name[IF_NAMESIZE]);

#endif
