/* SPDX-License-Identifier: ISC */
/* diagnose - one probe in words: its phases, and the chain of certificates. */
#ifndef DIAGNOSE_H
#define DIAGNOSE_H

#include "buf.h"
#include "probe.h"

void diagnose_add(struct ha_buf *text, const struct probe *probe);

#endif
