/*
 * metadata: the pairs that a batch's maker may give it, out of the call's body.
 */
#ifndef NM_SERVER_METADATA_H
#define NM_SERVER_METADATA_H

#include "server/call.h"

/* The member `metadata`, as a JSON object that lives like the call; untouched where
 * there is none, or null. False when it was refused on the call. */
bool nm_metadata_read(struct nm_call *call, const char **metadata);

#endif
