/*
 * files: the Files API's objects and rules, for those who make files besides it.
 */
#ifndef NM_SERVER_FILES_H
#define NM_SERVER_FILES_H

#include "server/call.h"

#define NM_FILE_MAX_BYTES ((uint64_t)512 << 20)
#define NM_FILE_BATCH_MAX_BYTES ((uint64_t)209715200)

/* Writes the File object as one value. */
void nm_file_object(struct nm_json_writer *w, const char *name,
                    const struct nm_stored_file *file);

/*
 * What the service says of a new file of that name, purpose, size and beginning
 * (a batch's input only). False when it was refused on the call.
 */
bool nm_file_accept(struct nm_call *call, const char *filename,
                    struct nm_text purpose, uint64_t bytes,
                    struct nm_text head);

/* When a file of that purpose made now expires: live_s after now, or by
 * purpose; 0 = never. */
int64_t nm_file_expiry(const char *purpose, int64_t now_s, int64_t live_s);

#endif
