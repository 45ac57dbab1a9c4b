/*
 * bench_replies: the least that scoring a run's replies must do: read each file
 * once, and each line as JSON, a second time its answer. What
 * variant0_llm_baseline needs besides is what it costs.
 *
 *   bench_replies FILE...
 *
 * Prints "replies WALL_MS CPU_MS ROWS BYTES", ROWS being those with an answer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "wire/json.h"
#include "wire/jsonl.h"

enum { CHUNK_BYTES = 256 << 10 };

struct count {
	struct nm_json row, answer;
	int64_t        rows, bytes;
};

static double
ms_of(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void
take_line(struct count *count, const struct nm_line *line)
{
	const struct nm_value *root, *content, *answer;
	struct nm_json_walk walk;
	struct nm_text text;

	count->bytes += (int64_t)line->len + 1;
	if (nm_json_read(&count->row, line->at, line->len, &root, NULL))
		return;
	content = nm_json_path(root, "response.body.choices");
	nm_json_walk_init(&walk, content);
	content = nm_json_path(nm_json_walk_next(&walk, NULL),
	                       "message.content");
	text = nm_json_text(content);
	if (text.len && nm_json_read(&count->answer, text.at, text.len,
	                             &answer, NULL) == NM_OK)
		count->rows++;
}

static enum nm_code
take_file(struct count *count, const char *path, char *chunk,
          struct nm_err *err)
{
	struct nm_jsonl lines = { 0 };
	struct nm_line line;
	enum nm_code rc;
	ssize_t got;
	int fd;

	rc = nm_file_open(path, &fd, err);
	if (rc)
		return rc;
	while ((got = read(fd, chunk, CHUNK_BYTES)) > 0) {
		nm_jsonl_feed(&lines, chunk, (size_t)got);
		while (nm_jsonl_next(&lines, &line))
			take_line(count, &line);
	}
	if (got < 0)
		rc = nm_fail(err, NM_IO, 0, "cannot read %s", path);
	nm_jsonl_release(&lines);
	(void)close(fd);
	return rc;
}

int
main(int argc, char **argv)
{
	double wall = ms_of(CLOCK_MONOTONIC);
	double cpu = ms_of(CLOCK_PROCESS_CPUTIME_ID);
	char *chunk = malloc(CHUNK_BYTES);
	struct count count = { 0 };
	enum nm_code rc = NM_OK;
	struct nm_err err;
	int i;

	for (i = 1; chunk && !rc && i < argc; i++)
		rc = take_file(&count, argv[i], chunk, &err);
	nm_json_release(&count.row);
	nm_json_release(&count.answer);
	free(chunk);
	if (rc) {
		fprintf(stderr, "bench_replies: %s\n", err.text);
		return nm_code_exit_status(rc);
	}
	printf("replies %.1f %.1f %lld %lld\n",
	       ms_of(CLOCK_MONOTONIC) - wall,
	       ms_of(CLOCK_PROCESS_CPUTIME_ID) - cpu,
	       (long long)count.rows, (long long)count.bytes);
	return 0;
}
