/*
 * upload_file: the file of a multipart body: a temporary, and then its final place.
 * Knows the store's folders; must not know calls or forms.
 *
 * Calling sequence: open, add…, settle where it is to stay, close.
 */
#ifndef NM_SERVER_UPLOAD_FILE_H
#define NM_SERVER_UPLOAD_FILE_H

#include "server/store.h"

/* Zeroed: none. */
struct nm_upload_file {
	int         fd_plus_one;
	struct nm_text field;      /* its part's name */
	struct nm_text filename;   /* base name as the client gave it */
	bool        named;         /* the part had a filename */
	uint64_t    bytes;
	uint64_t    pushed_bytes;  /* the system was told to write them out */
	struct nm_buf path;        /* under tmp/ */
	struct nm_text head;       /* its first bytes, at most 4096 */
};

/* What of a file's name stands behind its folders, of either kind. */
struct nm_text nm_upload_file_base_name(struct nm_text name);

/* Makes the temporary, under tmp/. */
enum nm_code nm_upload_file_open(struct nm_upload_file *file,
                                 const struct nm_store *store,
                                 struct nm_err *err) NM_MUST_USE;
enum nm_code nm_upload_file_add(struct nm_upload_file *file,
                                struct nm_text bytes, struct nm_err *err)
	NM_MUST_USE;

/*
 * Gives the file its durable place under files/ as `id`: synced, renamed, the folder
 * synced. The row is the caller's next step.
 */
enum nm_code nm_upload_file_settle(struct nm_upload_file *file,
                                   const struct nm_store *store, const char *id,
                                   struct nm_err *err) NM_MUST_USE;

/* Also removes a file that was not settled. */
void nm_upload_file_close(struct nm_upload_file *file);

#endif
