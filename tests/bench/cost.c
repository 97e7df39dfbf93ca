/* SPDX-License-Identifier: ISC */
/*
 * cost - what a command costs: run it RUNS times, its output to nowhere, and
 * print the medians of wall-clock ms and CPU ms, and the largest MiB resident.
 *
 *	cost RUNS CMD [ARG]...
 */
#include <err.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static double
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static double
tv_ms(struct timeval tv)
{
	return (double)tv.tv_sec * 1e3 + (double)tv.tv_usec / 1e3;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* -1 for what could not be started. */
static int
run_once(char **argv, double *wall, double *cpu, long *rss)
{
	posix_spawn_file_actions_t actions;
	struct rusage usage;
	double begun;
	pid_t pid;
	int status;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	begun = now_ms();
	if (posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ))
		return -1;
	if (wait4(pid, &status, 0, &usage) != pid)
		return -1;
	*wall = now_ms() - begun;
	*cpu = tv_ms(usage.ru_utime) + tv_ms(usage.ru_stime);
	if (usage.ru_maxrss > *rss)
		*rss = usage.ru_maxrss;
	posix_spawn_file_actions_destroy(&actions);
	return status;
}

int
main(int argc, char **argv)
{
	double *wall, *cpu;
	int runs = argc > 2 ? atoi(argv[1]) : 0;
	int i, failed = 0, status;
	long rss = 0;

	if (runs <= 0)
		errx(64, "usage: cost RUNS CMD [ARG]...");
	wall = calloc((size_t)runs, sizeof(*wall));
	cpu = calloc((size_t)runs, sizeof(*cpu));
	if (!wall || !cpu)
		err(71, "no memory");
	for (i = 0; i < runs; i++) {
		status = run_once(argv + 2, &wall[i], &cpu[i], &rss);
		if (status < 0)
			err(71, "can't run %s", argv[2]);
		failed += status != 0;
	}
	qsort(wall, (size_t)runs, sizeof(*wall), compare);
	qsort(cpu, (size_t)runs, sizeof(*cpu), compare);
	printf("%.2f %.2f %.1f %d\n", wall[runs / 2], cpu[runs / 2],
	    (double)rss / 1024, failed);
	return 0;
}
