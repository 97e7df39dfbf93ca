/* SPDX-License-Identifier: ISC */
/*
 * web - the targets that libcurl speaks (HTTP, SMTP, IMAP, POP3, FTP) and tls://,
 * on the loop through lib/http.
 */
#ifndef WEB_H
#define WEB_H

#include "probe.h"

/* way_web makes it at its first start(); NULL is fine. */
void web_free(struct web *web);

#endif
