# ha-utils: GNU make.  `make demo` and `make check` are all a newcomer needs.
PREFIX ?= /usr/local
DESTDIR ?=
CC ?= gcc
PKG_CONFIG ?= pkg-config
VERSION := 0.1.0
B ?= build

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wwrite-strings -Wformat=2 -Wundef -Wvla \
	-Wcast-qual -Wnull-dereference -Wno-missing-field-initializers
HARDEN := -fstack-protector-strong -fPIE -D_FORTIFY_SOURCE=2
CFLAGS ?= -O2 -g
HA_CFLAGS := -std=c11 -D_GNU_SOURCE -DHA_VERSION='"$(VERSION)"' $(WARN) \
	$(HARDEN) $(if $(CI),-Werror) $(CFLAGS)
HA_LDFLAGS := -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS)

# What a command links beyond libha and libc; each is named where it is used.
PKGS_ha-push := libssh2
PKGS_lib := jansson libmd

COMMANDS := $(notdir $(wildcard cmd/*))
LIB_SRC := $(wildcard lib/*.c)
LIB_OBJ := $(LIB_SRC:%.c=$B/obj/%.o)
objects = $(patsubst %.c,$B/obj/%.o,$(wildcard cmd/$1/*.c))

.SECONDARY:
.SECONDEXPANSION:
.PHONY: all
all: $(COMMANDS:%=$B/bin/%)

$B/bin/%: $$(call objects,%) $B/libha.a
	@mkdir -p $(@D)
	$(CC) $(HA_LDFLAGS) $(CFLAGS) -o $@ $(filter %.o,$^) $B/libha.a \
	    $(shell $(PKG_CONFIG) --libs $(PKGS_$*) $(PKGS_lib))

$B/libha.a: $(LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$B/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(HA_CFLAGS) -iquote lib -MMD -MP -c -o $@ $<

# It holds them (.incbin), which no .d file tells.
$B/obj/cmd/ha-alert/template.o: $(wildcard cmd/ha-alert/*.json)

-include $(shell find $B -name '*.d' 2>/dev/null)

LIB_TESTS := $(patsubst tests/lib/%.c,$B/tests/lib/%,$(wildcard tests/lib/*.c))
$B/tests/lib/%: $B/obj/tests/lib/%.o $B/libha.a
	@mkdir -p $(@D)
	$(CC) $(HA_LDFLAGS) $(CFLAGS) -o $@ $^ \
	    $(shell $(PKG_CONFIG) --libs cmocka $(PKGS_lib))

# Each of tests/NAME/*.c tests files of the command ha-NAME; main() is its own,
# and what it fakes stands before the archive.
UNITS := push watch probe stat keep act gate alert repl
UNIT_TESTS := $(patsubst tests/%.c,$B/tests/%, \
	$(wildcard $(UNITS:%=tests/%/*.c)))
unit = $(notdir $(patsubst %/,%,$(dir $*)))
$(UNITS:%=$B/units/ha-%.a): $B/units/%.a: \
	$$(filter-out %/$$*.o,$$(call objects,$$*))
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcs $@ $^
$(UNIT_TESTS): $B/tests/%: tests/%.c $B/units/ha-$$(unit).a $B/libha.a \
	$$(wildcard $$(dir $$(@:$$B/%=%))*.h)
	@mkdir -p $(@D)
	$(CC) $(HA_CFLAGS) $(HA_LDFLAGS) -iquote lib -iquote cmd/ha-$(unit) \
	    -iquote tests/lib -o $@ $(filter %.c %.a,$^) \
	    $(shell $(PKG_CONFIG) --libs cmocka $(PKGS_ha-$(unit)) $(PKGS_lib))

.PHONY: check-lib
check-lib: $(LIB_TESTS) $(UNIT_TESTS)
	CMOCKA_MESSAGE_OUTPUT=TAP prove --exec '' $^

# Each header must do without any other before it.
.PHONY: headers
headers: $(patsubst %.h,$B/headers/%,$(wildcard lib/*.h cmd/*/*.h))
$B/headers/%: %.h
	@mkdir -p $(@D)
	$(CC) $(HA_CFLAGS) -iquote lib -x c -c -o $@ $<

FUZZ_SECONDS ?= 20
$B/fuzz/%: tests/fuzz/%.c $(LIB_SRC) $(wildcard lib/*.h)
	@mkdir -p $(@D)
	clang -std=c11 -D_GNU_SOURCE -DHA_VERSION='"$(VERSION)"' -g -O1 \
	    -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
	    -iquote lib $(FUZZ_UNIT) -iquote cmd/ha-push -iquote cmd/ha-probe \
	    -iquote cmd/ha-stat -iquote cmd/ha-alert -iquote tests/push \
	    -iquote tests/probe -o $@ $(filter %.c,$^) $(shell $(PKG_CONFIG) --libs $(PKGS_lib))
$B/fuzz/push-sftp: cmd/ha-push/sftp.c cmd/ha-push/wire.c tests/push/fake-transport.h
$B/fuzz/push-rsync: $(addprefix cmd/ha-push/,rsync.c peer.c sftp.c wire.c \
	budget.c trash.c patience.c) \
	tests/push/fake-transport.h
$B/fuzz/push-hostkey: cmd/ha-push/sshconf.c cmd/ha-push/wire.c $B/obj/cmd/ha-push/hostkey.o
$B/fuzz/push-openssh: $(addprefix cmd/ha-push/,transport.c channel.c \
	complaint.c hostkey.c identity.c sshconf.c wire.c) \
	$B/obj/cmd/ha-push/openssh.o
$B/fuzz/push-statefile: cmd/ha-push/statefile.c
$B/fuzz/probe-dialogs: $(addprefix cmd/ha-probe/,dialog.c ssh.c mysql.c \
	redis.c memcached.c dns.c ntp.c) tests/probe/talk.h
PROBE_FUZZ = $(patsubst %,cmd/ha-probe/%.c,expect judge pattern escape seen)
$B/fuzz/probe-expect: $(PROBE_FUZZ)
$B/fuzz/probe-url: cmd/ha-probe/url.c
$B/fuzz/probe-target: $(PROBE_FUZZ) $(patsubst %,cmd/ha-probe/%.c,scheme \
	settings target url) tests/probe/fake-dialogs.h
$B/fuzz/stat-check: $(patsubst %,cmd/ha-stat/%.c,check rates cpu io mem net)
ALERT_FUZZ = $(patsubst %,cmd/ha-alert/%.c,alert words)
$B/fuzz/alert-mail: $(ALERT_FUZZ) cmd/ha-alert/mail.c
$B/fuzz/alert-template: $(ALERT_FUZZ) cmd/ha-alert/fields.c \
	cmd/ha-alert/template.c
GATE_FUZZ = $(patsubst %,cmd/ha-gate/%.c,family judge rules state tell)
$B/fuzz/gate-state $B/fuzz/gate-tell: $(GATE_FUZZ)
$B/fuzz/gate-feed: cmd/ha-gate/feed.c cmd/ha-gate/stop.c
$B/fuzz/gate-%: FUZZ_UNIT = -iquote cmd/ha-gate
$B/fuzz/keep-view: $(patsubst %,cmd/ha-keep/%.c,view place leftover)
$B/fuzz/keep-view: FUZZ_UNIT = -iquote cmd/ha-keep
$B/fuzz/repl-gtid: cmd/ha-repl/gtid.c
$B/fuzz/repl-conf: cmd/ha-repl/node.c
$B/fuzz/repl-credentials: cmd/ha-repl/credentials.c
$B/fuzz/repl-journal: $(patsubst %,cmd/ha-repl/%.c,facts facts-channel \
	facts-rows gtid journal settings)
$B/fuzz/repl-map: $(patsubst %,cmd/ha-repl/%.c,facts facts-channel \
	facts-rows gtid map) tests/fuzz/cells.h
$B/fuzz/repl-facts: $(patsubst %,cmd/ha-repl/%.c,facts facts-channel \
	facts-rows gtid) tests/fuzz/cells.h
$B/fuzz/repl-judge: $(patsubst %,cmd/ha-repl/%.c,causes draw draw-dot \
	draw-json draw-text facts facts-channel facts-read facts-rows fleet \
	flavour gtid judge judge-channel judge-errant judge-set lint \
	lint-channel lint-node lint-same lint-semi-sync lint-set mariadb mysql \
	mysql-old node shape topology words) tests/fuzz/cells.h
$B/fuzz/repl-%: FUZZ_UNIT = -iquote cmd/ha-repl
$B/fuzz/alert-answer: $(patsubst %,cmd/ha-alert/%.c,address answer base64 \
	replies)
$B/fuzz/push-sshconf: $B/obj/cmd/ha-push/sshconf.o # rebuilt with its source

.PHONY: fuzz
fuzz: PACKAGES += clang libclang-rt-14-dev
fuzz: deps $(patsubst tests/fuzz/%.c,$B/fuzz/%,$(wildcard tests/fuzz/*.c))
	@set -e; for target in $(filter $B/%,$^); do echo "$$target"; \
	    $$target -max_total_time=$(FUZZ_SECONDS) -timeout=5 -verbosity=0 \
	    -artifact_prefix=$B/fuzz/; done

.PHONY: sanitize
sanitize:
	ASAN_OPTIONS=allocator_may_return_null=1 \
	$(MAKE) B=build-san HARDEN=-fPIE \
	    CFLAGS='-O1 -g -fsanitize=address,undefined \
	    -fno-omit-frame-pointer -fno-sanitize-recover=all' check

# The small C programs that the shell tests and the benchmarks use.
TOOLS := $(patsubst tests/%.c,$B/tests/%,$(wildcard tests/*.c tests/bench/*.c))
$(TOOLS): $B/tests/%: tests/%.c
	@mkdir -p $(@D)
	$(CC) $(HA_CFLAGS) $(HA_LDFLAGS) -iquote lib -o $@ $^ \
	    $(shell $(PKG_CONFIG) --libs libssh2 $(PKGS_lib))
$B/tests/drive-transport: $(patsubst %,$B/obj/cmd/ha-push/%.o, \
	transport channel libssh2 openssh complaint sshconf hostkey dial \
	identity offer wire) \
	$B/libha.a
$B/tests/drive-db: $B/libha.a

# Into a program that may be built with a sanitizer: without one.
PRELOADS := $(patsubst tests/%.c,$B/tests/%.so,$(wildcard tests/preload/*.c))
$B/tests/%.so: tests/%.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE $(WARN) $(if $(CI),-Werror) -O2 -fPIC \
	    -shared -o $@ $<

.PHONY: check check-cmd demo soak bench deps lint format completions install \
	uninstall dist clean
# As if not under nohup(1): SIGHUP is tested, too.
TEST_ENV = env --default-signal=HUP HA_BIN=$(abspath $B/bin) HA_TOOLS=$(abspath $B/tests)
SOAK_MINUTES ?= 30
# What tests/with-* start; the smallest packages that have the programs.
SERVERS = nginx-light redis-tools memcached mariadb-server-core \
	dnsmasq-base exim4-daemon-light dovecot-imapd dovecot-pop3d vsftpd chrony \
	mariadb-client mariadb-backup
# npm is only for fetch-db, and often here without being a package.
check: PACKAGES += $(if $(shell command -v npm),,npm)
check: PACKAGES += iproute2 monit systemd openssl curl mariadb-client-core \
	monitoring-plugins-basic monitoring-plugins-standard \
	percona-toolkit supervisor \
	$(SERVERS)
# Before a test waits for it; by hand, the tests say what can't be had.
check: deps
	@for f in mysql mysql56; do \
	    tests/fetch-db $$f >/dev/null || [ "$(CI)" != true ] || exit; done
	$(MAKE) check-lib check-cmd
# What needs a peer once more, over ssh instead of libssh2.
OVER_SSH = $(filter-out %-transport.t,$(wildcard tests/cmd/ha-push*.t)) \
	tests/cmd/mirror.t
# What lowers a limit of the whole machine, or loads it, runs by itself.
ALONE = tests/cmd/ha-watch.t tests/cmd/mirror.t
# The long ones first, that none of them is left over at the end; two more than
# there are cores, as they wait more than half of their time.
LONG = $(wildcard tests/cmd/ha-repl-*.t) tests/cmd/readme.t \
	$(wildcard tests/cmd/ha-push*.t) tests/cmd/takeover.t
PROVE = prove --timer -j $(shell expr $$(nproc) + 2)
check-cmd: all $(TOOLS) $(PRELOADS)
	$(TEST_ENV) $(PROVE) $(LONG) \
	    $(filter-out $(LONG) $(ALONE),$(wildcard tests/cmd/*.t))
	$(TEST_ENV) HA_TRANSPORT=ssh $(PROVE) $(filter-out $(ALONE),$(OVER_SSH))
	$(TEST_ENV) prove --timer $(ALONE)
	$(TEST_ENV) HA_TRANSPORT=ssh prove --timer $(filter $(ALONE),$(OVER_SSH))
demo: deps
	@$(MAKE) -s all
	@$(TEST_ENV) tests/demo
soak: all $(TOOLS) $(PRELOADS)
	$(TEST_ENV) HA_SOAK=1 tests/cmd/ha-push-hostile-source.t
	$(TEST_ENV) HA_SOAK=1 prove --timer $(wildcard \
	    tests/cmd/ha-repl-recover-*.t tests/cmd/ha-repl-seed-*.t)
	$(TEST_ENV) HA_TRIALS=10000 tests/cmd/ha-alert-kill.t
	$(TEST_ENV) SOAK_MINUTES=$(SOAK_MINUTES) tests/cmd/mirror.t
bench: PACKAGES += lsyncd inotify-tools nginx-light openssl curl strace \
	monitoring-plugins-basic monitoring-plugins-standard supervisor
bench: deps
	@$(MAKE) -s all $(TOOLS)
	@$(TEST_ENV) sh -c "tests/bench/run; tests/bench/checks; \
	    tests/bench/alerts; tests/bench/gate; tests/bench/keep; tests/bench/repl" | tee $B/bench.txt

# Debian's names; DEPS=no only says what is missing.
PACKAGES = gcc make pkg-config libssh2-1-dev libjansson-dev libmd-dev rsync \
	libcurl4-openssl-dev libssl-dev libmariadb-dev \
	openssh-client openssh-server libcmocka-dev perl acl attr \
	iproute2 nftables ca-certificates
deps:
	@DEPS=$(DEPS) tests/deps $(PACKAGES)

lint: PACKAGES += mandoc clang-format clang-tidy cppcheck shellcheck
lint: deps
	tests/lint $(CC) $(HA_CFLAGS) -iquote lib -iquote cmd/ha-push \
	    -iquote cmd/ha-watch -iquote cmd/ha-probe -iquote cmd/ha-stat \
	    -iquote cmd/ha-alert -iquote tests/push -iquote tests/lib
format:
	clang-format -i $(wildcard cmd/*/*.[ch] lib/*.[ch] tests/*.c tests/*/*.c)
completions: all
	completions/generate completions $(COMMANDS:%=$B/bin/%)

ROOT = $(DESTDIR)$(PREFIX)
BASH = share/bash-completion/completions
ZSH = share/zsh/site-functions
FISH = share/fish/vendor_completions.d
DOC = share/doc/ha-utils
INSTALLED = $(COMMANDS:%=bin/%) $(COMMANDS:%=$(BASH)/%) \
	$(COMMANDS:%=$(ZSH)/_%) $(COMMANDS:%=$(FISH)/%.fish) \
	$(patsubst man/%,share/man/man1/%,$(wildcard man/*.1)) \
	$(patsubst man/%,share/man/man7/%,$(wildcard man/*.7)) \
	$(addprefix lib/systemd/system/,$(notdir $(wildcard cmd/*/*.service))) \
	$(addprefix $(DOC)/examples/,$(notdir $(wildcard cmd/*/*.cron cmd/*/*.monit \
	cmd/*/*.example)))
install: all
	install -d $(addprefix $(ROOT)/,$(sort $(dir $(INSTALLED))))
	install $(COMMANDS:%=$B/bin/%) $(ROOT)/bin
	install -m 644 man/*.1 $(ROOT)/share/man/man1
	install -m 644 man/*.7 $(ROOT)/share/man/man7
	install -m 644 cmd/*/*.service $(ROOT)/lib/systemd/system
	install -m 644 cmd/*/*.cron cmd/*/*.monit cmd/*/*.example \
	    $(ROOT)/$(DOC)/examples
	install -m 644 completions/_* $(ROOT)/$(ZSH)
	install -m 644 completions/*.fish $(ROOT)/$(FISH)
	set -e; for c in $(COMMANDS); do \
	    install -m 644 completions/$$c.bash $(ROOT)/$(BASH)/$$c; done
uninstall:
	rm -f $(addprefix $(ROOT)/,$(INSTALLED))
	-rm -df $(ROOT)/$(DOC)/examples $(ROOT)/$(DOC)
dist:
	git archive --prefix=ha-utils-$(VERSION)/ \
	    -o ha-utils-$(VERSION).tar.gz HEAD
clean:
	rm -rf build build-san
