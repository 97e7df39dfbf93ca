/* SPDX-License-Identifier: ISC */
/* complaint - what ssh says, and the status and the words that come of it. */
#include "test.h"

#include "complaint.h"
#include "fake-wait.h"

enum { NO_LOGIN, LOST };

#define GREETED                                                                \
	"debug1: Remote protocol version 2.0, remote software version x\n"
#define KEYED GREETED "debug1: Server host key: ssh-ed25519 SHA256:abc\r\n"
#define ASKED KEYED "debug1: SSH2_MSG_NEWKEYS received\n"

/* As OpenSSH 9.2 says it, but where another version is named. */
static const struct {
	int moment;
	const char *text;
	int status;
	const char *words;
} cases[] = {
	{ NO_LOGIN,
	    "ssh: Could not resolve hostname web2: Name or service not known\r\n",
	    EX_UNAVAILABLE, "unknown host 192.0.2.1" },
	{ NO_LOGIN,
	    "ssh: Could not resolve hostname web2: Temporary failure in name "
	    "resolution\r\n",
	    EX_UNAVAILABLE,
	    "can't look up host 192.0.2.1: Temporary failure in name "
	    "resolution" },
	{ NO_LOGIN, "ssh: connect to host web2 port 22: No route to host\r\n",
	    EX_UNAVAILABLE, "can't connect to web2 port 22: No route to host" },
	{ NO_LOGIN,
	    "debug1: kex_exchange_identification: banner line 0: HTTP/1.1 400\n"
	    "kex_exchange_identification: Connection closed by remote host\n",
	    EX_UNAVAILABLE,
	    "port 22 of 192.0.2.1 does not speak SSH; it says: HTTP/1.1 400" },
	{ NO_LOGIN,
	    "Connection timed out during banner exchange\r\n"
	    "Connection to 192.0.2.1 port 22 timed out\r\n",
	    EX_UNAVAILABLE,
	    "no answer from web2 for 1 s to the SSH key exchange" },
	{ NO_LOGIN,
	    GREETED "Unable to negotiate with 192.0.2.1 port 22: no matching "
		    "cipher found. Their offer: aes128-cbc,3des-cbc\r\n",
	    EX_CONFIG,
	    "ssh and web2 have no cipher in common; the server offers "
	    "aes128-cbc,3des-cbc." },
	{ NO_LOGIN,
	    KEYED "No ED25519 host key is known for web2 and you have "
		  "requested strict checking.\r\n"
		  "Host key verification failed.\r\n",
	    EX_NOPERM,
	    "the host key of 192.0.2.1 is unknown: it shows ssh-ed25519 "
	    "SHA256:abc. Compare" },
	{ NO_LOGIN,
	    KEYED "@  WARNING: REVOKED HOST KEY DETECTED!               @\r\n"
		  "Host key verification failed.\r\n",
	    EX_NOPERM, "the key that 192.0.2.1 shows is REVOKED" },
	{ NO_LOGIN,
	    ASKED "root@192.0.2.1: Permission denied (publickey,password).\r\n",
	    EX_NOPERM,
	    "web2 refuses the login of root; tried: nothing (no IdentityFile, "
	    "no key in ssh-agent); the server offers: publickey,password" },
	/* 7.4 */
	{ NO_LOGIN, ASKED "Permission denied (publickey).\r\n", EX_NOPERM,
	    "web2 refuses the login of root; tried: nothing (no IdentityFile, "
	    "no key in ssh-agent); the server offers: publickey" },
	{ NO_LOGIN,
	    ASKED "Received disconnect from 192.0.2.1 port 22:2: Too many "
		  "authentication failures\r\n"
		  "Disconnected from 192.0.2.1 port 22\r\n",
	    EX_NOPERM,
	    "web2 ended the connection during the login: Too many "
	    "authentication failures" },
	{ NO_LOGIN, ASKED "Connection closed by 192.0.2.1 port 22\r\n",
	    EX_UNAVAILABLE, "web2 closed the connection during the login" },
	{ NO_LOGIN,
	    GREETED "ssh_dispatch_run_fatal: Connection to 192.0.2.1 port 22: "
		    "Broken pipe\r\n",
	    EX_UNAVAILABLE, "web2 closed the connection during the key" },
	{ NO_LOGIN, GREETED "Bad packet length 1953785896.\r\n", EX_UNAVAILABLE,
	    "the session with web2 broke during the key exchange: Bad packet "
	    "length 1953785896." },
	/* A banner is not ssh's: before the greeting nobody is asked. */
	{ NO_LOGIN, "Permission denied (publickey).\n", EX_UNAVAILABLE,
	    "web2 closed the connection during the key exchange: Permission" },
	{ NO_LOGIN, "", EX_UNAVAILABLE,
	    "web2 closed the connection during the key exchange: ssh ended "
	    "with status 255" },
	{ LOST, "Timeout, server 192.0.2.1 not responding.\r\n", EX_UNAVAILABLE,
	    "no answer from web2 for 45s" },
	{ LOST, "client_loop: send disconnect: Broken pipe\r\n", EX_UNAVAILABLE,
	    "web2 closed the connection" },
	{ LOST, "Connection to web2 closed by remote host.\r\n", EX_UNAVAILABLE,
	    "web2 closed the connection" },
	{ LOST,
	    "Received disconnect from 192.0.2.1 port 22:11: shutting down\r\n",
	    EX_UNAVAILABLE, "web2 ended the connection: shutting down" },
};

static void
explain(size_t i, struct ha_err *err)
{
	char typed[] = "web2", host[] = "192.0.2.1", user[] = "root";
	const struct sshconf conf = {
		.typed = typed, .host = host, .user = user, .port = 22
	};
	struct complaint c;

	complaint_init(&c);
	/* In pieces, as a pipe gives it. */
	for (const char *p = cases[i].text; *p != '\0'; p++)
		complaint_add(&c, p, 1);
	if (cases[i].moment == NO_LOGIN)
		assert_int_equal(
		    complaint_no_login(&c, &conf, 255, 1000, err), -1);
	else
		assert_int_equal(
		    complaint_lost(&c, &conf, 255, "45s", err), -1);
	complaint_release(&c);
}

static void
test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *want = cases[i].words;
		struct ha_err err;

		explain(i, &err);
		if (err.status != cases[i].status ||
		    strncmp(err.msg, want, strlen(want)) != 0)
			fail_msg("case %zu: %d %s", i, err.status, err.msg);
	}
}

static void
test_only_the_end_is_kept(void **state)
{
	struct complaint c;

	(void)state;
	complaint_init(&c);
	for (int i = 0; i < 10000; i++)
		complaint_add(&c, "noise\n", 6);
	complaint_add(&c, "last\r\n", 6);
	assert_true(c.words.len <= 8192);
	assert_string_equal(c.words.data + c.words.len - 11, "noise\nlast\n");
	for (int i = 0; i < 10000; i++)
		complaint_add(&c, "without an end", 14);
	assert_true(c.line.len <= 4096);
	complaint_release(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test_in_folder(test_cases),
		cmocka_unit_test(test_only_the_end_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
