/* SPDX-License-Identifier: ISC */
/* seed-shell - a script on a server's machine: here, or there by ssh(1). */
#include "seed-shell.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "alloc.h"
#include "run.h"

int
seed_shell_reaches(const struct node *node)
{
	const char *host = node->host;

	return node->ssh || !host || !strcasecmp(host, "localhost") ||
	       !strncmp(host, "127.", 4) || !strcmp(host, "::1");
}

static void
init_ssh(struct seed_shell *shell, const struct node *node, const char *script,
    const char *const *args)
{
	struct ha_buf text = HA_BUF_INIT;

	ha_buf_add_str(&text, "sh -c ");
	ha_buf_add_quoted(&text, script, strlen(script));
	ha_buf_add_str(&text, " sh");
	for (; *args; args++) {
		ha_buf_add_char(&text, ' ');
		ha_buf_add_quoted(&text, *args, strlen(*args));
	}
	shell->command = ha_buf_detach(&text);
	shell->argv[0] = "ssh";
	shell->argv[1] = "-oBatchMode=yes";
	shell->argv[2] = "-oServerAliveInterval=15";
	shell->argv[3] = "--";
	shell->argv[4] = node->ssh;
	shell->argv[5] = shell->command;
}

void
seed_shell_init(struct seed_shell *shell, const struct node *node,
    const char *script, const char *const *args)
{
	memset(shell, 0, sizeof(*shell));
	if (node->ssh) {
		init_ssh(shell, node, script, args);
		return;
	}
	shell->argv[0] = "sh";
	shell->argv[1] = "-c";
	shell->argv[2] = script;
	shell->argv[3] = "sh";
	for (size_t i = 0; i < SEED_SHELL_ARGS && args[i]; i++)
		shell->argv[4 + i] = args[i];
}

void
seed_shell_release(struct seed_shell *shell)
{
	free(shell->command);
}

/* Bytes of another machine. */
static const char *
last_line(struct ha_buf *text)
{
	char *line;

	if (!text->len)
		return "";
	while (text->len && text->data[text->len - 1] == '\n')
		text->data[--text->len] = '\0';
	line = strrchr(text->data, '\n');
	return line ? line + 1 : text->data;
}

int
seed_shell_run(const struct node *node, const char *script,
    const char *const *args, struct ha_buf *out, int64_t deadline_ns,
    struct ha_err *err)
{
	struct ha_run run = HA_RUN_INIT;
	struct ha_buf own = HA_BUF_INIT, errors = HA_BUF_INIT;
	struct ha_buf *use = out ? out : &own;
	struct seed_shell shell;
	int status, failed;

	seed_shell_init(&shell, node, script, args);
	run.argv = shell.argv;
	run.own_group = 1;
	failed = ha_run_capture(&run, deadline_ns, use, &errors, &status, err);
	if (!failed && status) {
		const char *words = last_line(&errors);

		failed = ha_err_set(err, EX_UNAVAILABLE, 0,
		    *words ? "%s: %s (exit %d)" : "%s: it failed%s (exit %d)",
		    node->name, words, status);
	}
	last_line(use);
	seed_shell_release(&shell);
	ha_buf_release(&own);
	ha_buf_release(&errors);
	return failed;
}
