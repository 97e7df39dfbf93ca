/* SPDX-License-Identifier: ISC */
/* fake-dialogs - what scheme.c names, for tests that speak with nobody. */
#ifndef FAKE_DIALOGS_H
#define FAKE_DIALOGS_H

#include "dialog.h"

const struct dialog dialog_plain = { .awaited = "the reply" };
const struct dialog dialog_ssh = { .awaited = "greeting" };
const struct dialog dialog_mysql = { .awaited = "greeting" };
const struct dialog dialog_redis = { .awaited = "answer" };
const struct dialog dialog_dns = { .awaited = "answer" };
const struct dialog dialog_ntp = { .awaited = "answer" };
const struct dialog dialog_memcached = { .awaited = "answer" };

#endif
