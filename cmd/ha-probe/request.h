/* SPDX-License-Identifier: ISC */
/*
 * request - what a target of web.c is asked for, by its settings and files: at
 * its own URL and at those that redirects lead to.
 *
 * Secrets come out of files; a redirect takes none of them to another server.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include "buf.h"
#include "err.h"
#include "http.h"
#include "resolve.h"
#include "target.h"
#include "url.h"

struct request {
	struct ha_http_request http; /* for ha_http_start() */
	const struct target *target;
	struct url home; /* the target's own; of other schemes, as far as
			    known */
	struct url proxy;
	const char *method; /* NULL: by the body */
	int has_body; /* still: some redirects lose it */
	/* Read from files. */
	char *user, *proxy_user, *key_password;
	struct ha_buf header_file; /* its lines, each with a NUL behind it */
	const struct ha_buf *body;
	/* Made for one hop. */
	char *url, *resolve, *host_header;
	const char **headers;
};

/*
 * Read the files that the target's settings name.  -1: EX_NOINPUT, EX_DATAERR;
 * no secret is in the message.  Release it in any case.
 */
int request_init(
    struct request *request, const struct target *target, struct ha_err *err);
void request_release(struct request *request);

/* Whose address is to be known: the proxy, or else the host of at. */
const char *request_host(const struct request *request, const struct url *at);
uint16_t request_port(const struct request *request, const struct url *at);
/*
 * Make request->http: for the target itself (text is NULL), or for where a
 * redirect leads, whose parts are at; the host, or the proxy, is at address.
 */
void request_aim(struct request *request, const char *text,
    const struct url *at, const struct address *address);
/* A redirect of that status comes: how does the method change (RFC 9110)? */
void request_redirect(struct request *request, int status);

#endif
