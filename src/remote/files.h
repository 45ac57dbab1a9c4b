/*
 * files: upload, look up, list, download, delete.
 * Knows /files; must not know what the files hold.
 */
#ifndef NM_REMOTE_FILES_H
#define NM_REMOTE_FILES_H

#include "base/digest.h"
#include "remote/api.h"

/* A file of the service. Texts are in the caller's arena, "" where absent. */
struct nm_remote_file {
	const char *id;
	const char *filename;
	const char *purpose;
	const char *status;
	int64_t     bytes;      /* -1 = not told */
	int64_t     created_s;  /* seconds since 1970; 0 = not told */
	int64_t     expires_s;  /* the same */
};

struct nm_upload {
	const char                  *filename;  /* batches want .jsonl */
	const char                  *purpose;   /* NULL = "batch" */
	int64_t                      expires_after_s; /* 0 = as the service */
	const struct nm_http_source *source;
};

/*
 * Uploads once, streamed; codes as in api.h. An upload is not idempotent: after
 * NM_AMBIGUOUS look for the filename in nm_files_list. The answer must have an
 * id, else it is NM_AMBIGUOUS too.
 */
enum nm_code nm_files_upload_once(struct nm_api *api,
                                  const struct nm_upload *upload,
                                  struct nm_arena *arena,
                                  struct nm_remote_file *out,
                                  struct nm_err *err) NM_MUST_USE;

/* Codes as in api.h; NM_ABSENT when the service knows no such file. */
enum nm_code nm_files_get(struct nm_api *api, const char *id,
                          struct nm_arena *arena, struct nm_remote_file *out,
                          struct nm_err *err) NM_MUST_USE;

/* Zeroed: all purposes, the service's own page size and order, first page. */
struct nm_files_query {
	const char *purpose;
	int         limit;     /* 1..10000 */
	const char *order;     /* "asc", "desc" */
	const char *after;     /* a file's id */
};

struct nm_files_page {
	struct nm_remote_file *files; /* in the arena */
	size_t                 count;
	bool                   more;
	const char            *after; /* for the next page; "" = none */
};

/* One page. Codes as in api.h. An element that is no file is passed over. count 0 and
 * more: the page before came again, and there is no way to the rest. */
enum nm_code nm_files_list(struct nm_api *api,
                           const struct nm_files_query *query,
                           struct nm_arena *arena, struct nm_files_page *out,
                           struct nm_err *err) NM_MUST_USE;

/* NM_ABSENT when it is gone already. */
enum nm_code nm_files_delete(struct nm_api *api, const char *id,
                             struct nm_err *err) NM_MUST_USE;

struct nm_download {
	const char *id;
	const char *path;           /* where the whole file will be */
	int64_t     expected_bytes; /* from the file object; 0 = not known */
	int         tries_max;      /* in a row without a new byte; 0 = 5 */
	/* Bytes so far, and of how many (0 = not known); may be NULL. */
	void      (*progress)(void *progress_user, uint64_t bytes,
	                      uint64_t total);
	void       *progress_user;
};

struct nm_downloaded {
	uint64_t bytes;
	char     sha256[NM_DIGEST_HEX_MAX];
	int      tries;             /* requests it took */
};

/*
 * Brings a file's content to `path`, whole or not at all: streamed into
 * "<path>.<id>.part", continued there by Range after a cut (also one of an earlier
 * process), begun anew where the rest is not of the same file (by a strong ETag, else by
 * what comes of the last 4096 bytes a second time), checked against the lengths
 * announced, synced, renamed.
 * NM_PROTOCOL when it stays shorter or longer than announced; the part is kept.
 * NM_UNREACHABLE when the tries ran out; NM_IO for this machine's disk.
 */
enum nm_code nm_files_download(struct nm_api *api,
                               const struct nm_download *wish,
                               struct nm_downloaded *out, struct nm_err *err)
	NM_MUST_USE;

#endif
