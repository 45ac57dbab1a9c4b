/*
 * delivery: a file of the service, brought to this machine once and looked at, so that
 * a page which another sent in its place is not taken for it. Knows how files of
 * requests and results begin, not what is in them.
 */
#ifndef NM_RUN_DELIVERY_H
#define NM_RUN_DELIVERY_H

#include "remote/files.h"

/*
 * Downloads a file, whole or not at all, of the length that the file's object tells.
 * Where none tells it, what comes is to begin as such files do. Codes as
 * nm_files_download; NM_UNREACHABLE for another's page instead of the service's
 * answer.
 */
enum nm_code nm_delivery_take(struct nm_api *api, const char *id,
                              const char *path, struct nm_err *err)
	NM_MUST_USE;

/* Whether a file of requests or results may begin so: it is empty, or has objects with
 * an id on lines of their own, be they broken. */
enum nm_delivery_part { NM_DELIVERY_BEGINNING, NM_DELIVERY_WHOLE };
bool nm_delivery_is_likely(struct nm_text text, enum nm_delivery_part part);

#endif
