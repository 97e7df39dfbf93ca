/* SPDX-License-Identifier: ISC */
/* mysql - what the greeting's dialog and the login share. */
#ifndef PROBE_MYSQL_H
#define PROBE_MYSQL_H

#include <stdint.h>

#include "probe.h"

/*
 * What a server's error says of it, by its number: FAULT_WARN when it serves
 * others ("Too many connections"), else FAULT_TARGET.  Source: MySQL "Server
 * Error Message Reference".
 */
enum probe_fault mysql_blame(int64_t code);

#endif
