/* SPDX-License-Identifier: ISC */
/* seed-login - how MySQL's own tools are told to log in. */
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db-defaults.h"
#include "fs.h"
#include "seed.h"

/* Quoted, as option files have it. */
static void
add(struct ha_buf *text, const char *key, const char *value)
{
	if (!value)
		return;
	ha_buf_addf(text, "%s = \"", key);
	for (; *value; value++) {
		if (*value == '\n')
			ha_buf_add_str(text, "\\n");
		else if (*value == '\r')
			ha_buf_add_str(text, "\\r");
		else if (strchr("\\\"'", *value))
			ha_buf_addf(text, "\\%c", *value);
		else
			ha_buf_add_char(text, *value);
	}
	ha_buf_add_str(text, "\"\n");
}

static void
add_place(struct ha_buf *text, const struct node *node,
    const struct ha_db_defaults *defaults)
{
	const char *host = node->host ? node->host : defaults->host;
	unsigned port = node->host ? node->port : defaults->port;
	int is_tcp = node->host || defaults->is_tcp ||
		     (host && strcasecmp(host, "localhost") != 0);

	if (node->socket || !is_tcp) {
		add(text, "socket",
		    node->socket ? node->socket : defaults->socket);
		ha_buf_add_str(text, "protocol = socket\n");
		return;
	}
	add(text, "host", host);
	if (port)
		ha_buf_addf(text, "port = %u\n", port);
	ha_buf_add_str(text, "protocol = tcp\n");
}

/* As lib/db has it: what was reached in clear was allowed to be. */
static void
add_tls(struct ha_buf *text, const struct repl *repl, const struct ha_db *db,
    const struct ha_db_defaults *defaults, int is_oracle)
{
	int has_tls = *ha_db_tls_version(db) != '\0';

	if (!has_tls) {
		ha_buf_add_str(text, is_oracle ? "ssl-mode = preferred\n"
						 "get-server-public-key\n"
					       : "skip-ssl\n");
		return;
	}
	add(text, "ssl-ca", defaults->ssl_ca);
	add(text, "ssl-capath", defaults->ssl_capath);
	add(text, "ssl-crl", defaults->ssl_crl);
	add(text, "ssl-crlpath", defaults->ssl_crlpath);
	add(text, "ssl-cert", defaults->ssl_cert);
	add(text, "ssl-key", defaults->ssl_key);
	add(text, "ssl-cipher", defaults->ssl_cipher);
	add(text, "tls-version", defaults->tls_version);
	if (repl->insecure) {
		ha_buf_add_str(
		    text, is_oracle ? "ssl-mode = required\n" : "ssl\n");
		return;
	}
	if (is_oracle && !defaults->ssl_ca && !defaults->ssl_capath)
		ha_buf_add_str(text, "ssl-capath = /etc/ssl/certs\n");
	ha_buf_add_str(text, is_oracle ? "ssl-mode = verify_identity\n"
				       : "ssl\nssl-verify-server-cert\n");
}

/* Others may not write to it, or the tools pass over it. */
static int
open_memory(const struct ha_buf *text, struct ha_err *err)
{
	int fd = memfd_create("ha-repl", MFD_CLOEXEC);

	if (fd < 0 || fchmod(fd, 0600)) {
		ha_err_set(err, EX_OSERR, errno, "can't keep a login");
		goto fail;
	}
	if (!ha_fs_write_all(fd, text->data, text->len, err))
		return fd;
fail:
	if (fd >= 0)
		close(fd);
	return -1;
}

int
seed_login(const struct repl *repl, const struct node *node,
    const struct ha_db *db, int is_oracle, struct ha_err *err)
{
	struct ha_db_defaults defaults = { 0 };
	struct ha_buf text = HA_BUF_INIT;
	int fd = -1;

	if (!ha_db_defaults_read(&defaults,
		node->defaults_file ? node->defaults_file : repl->defaults_file,
		NULL, err)) {
		ha_buf_add_str(&text, "[client]\n");
		add(&text, "user", defaults.user);
		add(&text, "password", defaults.password);
		add_place(&text, node, &defaults);
		add_tls(&text, repl, db, &defaults, is_oracle);
		fd = open_memory(&text, err);
		explicit_bzero(text.data, text.len);
	}
	ha_buf_release(&text);
	ha_db_defaults_release(&defaults);
	return fd;
}

int
seed_login_socket(const struct repl *repl, const struct node *node,
    const char *socket, struct ha_err *err)
{
	struct ha_db_defaults defaults = { 0 };
	struct ha_buf text = HA_BUF_INIT;
	int fd = -1;

	if (!ha_db_defaults_read(&defaults,
		node->defaults_file ? node->defaults_file : repl->defaults_file,
		NULL, err)) {
		ha_buf_add_str(&text, "[client]\n");
		add(&text, "user", defaults.user);
		add(&text, "password", defaults.password);
		add(&text, "socket", socket);
		ha_buf_add_str(&text, "protocol = socket\n");
		fd = open_memory(&text, err);
		explicit_bzero(text.data, text.len);
	}
	if (fd >= 0)
		lseek(fd, 0, SEEK_SET);
	ha_buf_release(&text);
	ha_db_defaults_release(&defaults);
	return fd;
}
