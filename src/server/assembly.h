/*
 * assembly: the parts of an upload, made one file in the order wished for.
 * Reads the wish (part_ids, md5) from the call and refuses on it. Must not know an
 * upload's states.
 */
#ifndef NM_SERVER_ASSEMBLY_H
#define NM_SERVER_ASSEMBLY_H

#include "server/call.h"

/*
 * MADE: the whole stands, synced, at the file path of `id`; its row is the caller's
 * next step. REFUSED: on the call, and nothing stands there. NM_INPUT when the parts
 * have gone with the upload meanwhile.
 */
enum nm_assembly { NM_ASSEMBLY_MADE, NM_ASSEMBLY_REFUSED };
enum nm_code nm_assembly_make(struct nm_call *call,
                              const struct nm_stored_upload *upload,
                              const char *id, enum nm_assembly *came,
                              struct nm_err *err) NM_MUST_USE;

#endif
