/* SPDX-License-Identifier: ISC */
/*
 * web - the targets that libcurl speaks (HTTP, SMTP, IMAP, POP3, FTP) and
 * tls://, on the loop through lib/http.
 *
 * Without a term on the status a 4xx of HTTP is WARN and a 5xx CRIT.  Redirects
 * are followed here, hop by hop, so that each name is looked up without
 * blocking, each certificate seen, and the deadline is one for all.
 */
#ifndef WEB_H
#define WEB_H

#include "probe.h"

/*
 * Load libcurl, which takes a few milliseconds, before the clock of a probe
 * runs; otherwise way_web does so at its first start().  A failure is each
 * probe's.
 */
void web_prepare(struct run *run);
/* NULL is fine. */
void web_free(struct web *web);

#endif
