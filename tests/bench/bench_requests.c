/*
 * bench_requests: how long it takes to read a dataset, to plan its requests, and
 * to write them. What variant0_llm_baseline does before and during an upload, but
 * without a service whose time would be part of the figure.
 *
 *   bench_requests DATASET FILE
 *
 * Prints lines "read|plan|write WALL_MS CPU_MS REQUESTS BYTES"; the requests are
 * left in FILE.
 */
#include <stdio.h>
#include <time.h>

#include "run/plan.h"
#include "run/quiz.h"

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
plan_requests(struct nm_source *source, struct nm_err *err)
{
	struct nm_run_settings settings = {
		.shard_requests = 50000, .shard_bytes = 200000000,
	};
	struct nm_plan plan = { 0 };
	struct stopwatch watch;
	enum nm_code rc;

	stopwatch_start(&watch);
	rc = nm_plan_measure(&plan, source, &settings, err);
	stopwatch_tell(&watch, "plan", plan.requests, plan.bytes);
	nm_plan_release(&plan);
	return rc;
}

static enum nm_code
write_requests(struct nm_source *source, FILE *file, struct nm_err *err)
{
	struct nm_source_item item;
	struct stopwatch watch;
	int64_t requests = 0, bytes = 0;
	enum nm_code rc;

	stopwatch_start(&watch);
	rc = source->rewind(source, err);
	source->position = 0;
	while (!rc) {
		rc = nm_source_next(source, &item, err);
		if (rc || item.ordinal < 0)
			break;
		if (fwrite(item.line.at, 1, item.line.len, file) !=
		    item.line.len)
			rc = nm_fail(err, NM_STATE, 0, "cannot write");
		requests++;
		bytes += (int64_t)item.line.len;
	}
	fflush(file);
	stopwatch_tell(&watch, "write", requests, bytes);
	return rc;
}

static enum nm_code
measure(const char *dataset, FILE *file, struct nm_err *err)
{
	struct nm_quiz_wish wish = {
		.typed = dataset, .data_dir = ".", .model = "m",
	};
	struct nm_quiz *quiz = NULL;
	struct stopwatch watch;
	enum nm_code rc;

	stopwatch_start(&watch);
	rc = nm_quiz_open(&quiz, &wish, err);
	if (rc)
		return rc;
	stopwatch_tell(&watch, "read", nm_quiz_source(quiz)->count, 0);
	rc = plan_requests(nm_quiz_source(quiz), err);
	if (!rc)
		rc = write_requests(nm_quiz_source(quiz), file, err);
	nm_quiz_close(quiz);
	return rc;
}

int
main(int argc, char **argv)
{
	struct nm_err err = { 0 };
	enum nm_code rc;
	FILE *file;

	if (argc != 3) {
		fprintf(stderr, "usage: bench_requests DATASET FILE\n");
		return 2;
	}
	file = fopen(argv[2], "we");
	if (!file) {
		perror(argv[2]);
		return 5;
	}
	rc = measure(argv[1], file, &err);
	if (rc)
		fprintf(stderr, "bench_requests: %s\n", err.text);
	fclose(file);
	return nm_code_exit_status(rc);
}
