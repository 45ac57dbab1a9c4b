/*
 * batch_files: files of the service, brought to this machine for as long as an
 * action reads them, and gone afterwards. Must not know what is in them.
 *
 * Calling sequence: open; bring, and walk what came; close.
 */
#ifndef NM_RUN_BATCH_FILES_H
#define NM_RUN_BATCH_FILES_H

#include "remote/files.h"
#include "wire/jsonl.h"

/* Zeroed is empty. What an interrupted download left is continued by the next. */
struct nm_batch_files {
	struct nm_api  *api;
	struct nm_buf   folder;
	const char    **paths;   /* of what was brought */
	size_t          n_paths;
	size_t          room;
	struct nm_arena arena;
};

/* api is lent until close. */
enum nm_code nm_batch_files_open(struct nm_batch_files *files,
                                 struct nm_api *api, struct nm_err *err)
	NM_MUST_USE;

/* Downloads one, whole or not at all; *path lives until close. Codes as
 * nm_files_download; NM_ABSENT where the service has it no more. */
enum nm_code nm_batch_files_bring(struct nm_batch_files *files,
                                  const char *file_id, const char **path,
                                  struct nm_err *err) NM_MUST_USE;

/* Removes what was brought; a part that was cut stays for a later process. */
void nm_batch_files_close(struct nm_batch_files *files);

/* Calls take for each line of a file, lent for the call. NM_IO when it cannot be
 * read. */
enum nm_code nm_batch_file_walk(const char *path,
                                void (*take)(void *user,
                                             const struct nm_line *line),
                                void *user, struct nm_err *err) NM_MUST_USE;

#endif
