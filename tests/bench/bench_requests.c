/*
 * bench_requests: how long it takes to read a dataset, to plan its requests, and
 * to write them. What variant0_llm_baseline does before and during an upload, by
 * the same calls (run/feed.h), but without a service whose time would be part of
 * the figure.
 *
 *   bench_requests DATASET FILE
 *
 * Prints lines "read|plan|write WALL_MS CPU_MS REQUESTS BYTES"; the requests are
 * left in FILE.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "run/feed.h"
#include "run/plan.h"
#include "run/quiz.h"

enum { PIECE_BYTES = 256 << 10 }; /* as net/transfer.c asks for */

struct stopwatch {
	struct timespec wall, cpu;
};

static void
stopwatch_start(struct stopwatch *watch)
{
	clock_gettime(CLOCK_MONOTONIC, &watch->wall);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &watch->cpu);
}

static double
ms_since(clockid_t id, const struct timespec *then)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (double)(now.tv_sec - then->tv_sec) * 1e3 +
	       (double)(now.tv_nsec - then->tv_nsec) / 1e6;
}

static void
stopwatch_tell(const struct stopwatch *watch, const char *what,
               int64_t requests, int64_t bytes)
{
	printf("%s %.1f %.1f %lld %lld\n", what,
	       ms_since(CLOCK_MONOTONIC, &watch->wall),
	       ms_since(CLOCK_PROCESS_CPUTIME_ID, &watch->cpu),
	       (long long)requests, (long long)bytes);
}

static enum nm_code
plan_requests(struct nm_plan *plan, struct nm_source *source,
              struct nm_err *err)
{
	struct nm_run_settings settings = {
		.shard_requests = 50000, .shard_bytes = 200000000,
	};
	struct stopwatch watch;
	enum nm_code rc;

	stopwatch_start(&watch);
	rc = nm_plan_measure(plan, source, &settings, err);
	stopwatch_tell(&watch, "plan", plan->requests, plan->bytes);
	return rc;
}

static enum nm_code
write_shard(struct nm_source *source, const struct nm_shard_record *shard,
            int fd, char *piece, struct nm_err *err)
{
	struct nm_feed feed;
	enum nm_code rc = NM_OK;
	ssize_t got;

	nm_feed_init(&feed, source, shard);
	do {
		got = nm_feed_read(&feed, piece, PIECE_BYTES, err);
		if (got > 0)
			rc = nm_file_write_all(fd, piece, (size_t)got, err);
	} while (!rc && got > 0);
	return got < 0 ? err->code : rc;
}

static enum nm_code
write_requests(const struct nm_plan *plan, struct nm_source *source, int fd,
               struct nm_err *err)
{
	char *piece = malloc(PIECE_BYTES);
	struct stopwatch watch;
	enum nm_code rc = NM_OK;

	if (!piece)
		abort();
	stopwatch_start(&watch);
	for (size_t i = 0; !rc && i < plan->n_shards; i++)
		rc = write_shard(source, &plan->shards[i], fd, piece, err);
	stopwatch_tell(&watch, "write", plan->requests, plan->bytes);
	free(piece);
	return rc;
}

static enum nm_code
measure(const char *dataset, int fd, struct nm_err *err)
{
	struct nm_quiz_wish wish = {
		.typed = dataset, .data_dir = ".", .model = "m",
	};
	struct nm_quiz *quiz = NULL;
	struct nm_plan plan = { 0 };
	struct stopwatch watch;
	enum nm_code rc;

	stopwatch_start(&watch);
	rc = nm_quiz_open(&quiz, &wish, err);
	if (rc)
		return rc;
	stopwatch_tell(&watch, "read", nm_quiz_source(quiz)->count, 0);
	rc = plan_requests(&plan, nm_quiz_source(quiz), err);
	if (!rc)
		rc = write_requests(&plan, nm_quiz_source(quiz), fd, err);
	nm_plan_release(&plan);
	nm_quiz_close(quiz);
	return rc;
}

int
main(int argc, char **argv)
{
	struct nm_err err = { 0 };
	enum nm_code rc;
	int fd;

	if (argc != 3) {
		fprintf(stderr, "usage: bench_requests DATASET FILE\n");
		return 2;
	}
	fd = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0) {
		perror(argv[2]);
		return 5;
	}
	rc = measure(argv[1], fd, &err);
	if (rc)
		fprintf(stderr, "bench_requests: %s\n", err.text);
	close(fd);
	return nm_code_exit_status(rc);
}
