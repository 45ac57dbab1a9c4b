/*
 * expires: the expires_after and output_expires_after options: an anchor and
 * seconds, out of JSON or out of form fields. Must not know what expires.
 */
#ifndef NM_SERVER_EXPIRES_H
#define NM_SERVER_EXPIRES_H

#include "server/call.h"

enum {
	NM_EXPIRES_MIN_S = 3600,
	NM_EXPIRES_MAX_S = 2592000,
	NM_EXPIRES_DEFAULT_S = 2592000
};

/* A whole number's field, NM_EXPIRES_NONE for one not given. */
enum { NM_EXPIRES_NONE = 0 };

/*
 * Reads an object member of the call's body; NULL and null give NONE. False when
 * it was refused on the call.
 */
bool nm_expires_read(struct nm_call *call, const char *name,
                     const struct nm_value *value, int64_t *seconds);

/* Reads the form's fields name[anchor] and name[seconds], or name.anchor … */
bool nm_expires_read_form(struct nm_call *call, const char *name,
                          int64_t *seconds);

#endif
