/* SPDX-License-Identifier: ISC */
/* icmp - echo requests of all probes, by one socket a family. */
#ifndef ICMP_H
#define ICMP_H

struct icmp;

/* way_icmp makes it at its first start(); NULL is fine. */
void icmp_free(struct icmp *icmp);

#endif
