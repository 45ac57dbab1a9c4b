/*
 * request_file: the lines of a batch input file as a run's source: any file, made
 * by anybody, for any endpoint of the contract.
 * Knows custom ids and bodies; must not know questions or answers.
 *
 * Calling sequence: open; facts, and its source (run/source.h), as often as wanted;
 * close. One thread.
 */
#ifndef NM_RUN_REQUEST_FILE_H
#define NM_RUN_REQUEST_FILE_H

#include "run/source.h"

enum { NM_REQUEST_FILE_LINES_MAX = 100000000 };

struct nm_request_file;

/* Blank lines are no requests. Zeroed before the first walk. */
struct nm_request_file_facts {
	uint64_t    requests;
	uint64_t    blank;
	const char *model;    /* of the first request; lent */
	const char *endpoint; /* its url; lent */
};

/*
 * Opens a file and walks it once: counts, digests, and takes note of every
 * custom_id. NM_INPUT, with file:line, for a line that is no request with a
 * custom_id, or one whose custom_id stands in an earlier line; all other faults are
 * the plan's to find. NM_LIMIT for a line above 32 MiB.
 *
 * Whoever walks again gets these requests, or NM_INPUT with file:line where the file
 * has changed since.
 */
enum nm_code nm_request_file_open(struct nm_request_file **file,
                                  const char *path, struct nm_err *err)
	NM_MUST_USE;
void nm_request_file_close(struct nm_request_file *file);

/* The file as a run's source; lives as long as the file. */
struct nm_source *nm_request_file_source(struct nm_request_file *file);
const struct nm_request_file_facts *
nm_request_file_facts(const struct nm_request_file *file);
const char *nm_request_file_path(const struct nm_request_file *file);

#endif
