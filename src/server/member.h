/*
 * member: a member of a call's JSON body, read as what it has to be, or refused
 * in the service's words.
 */
#ifndef NM_SERVER_MEMBER_H
#define NM_SERVER_MEMBER_H

#include "server/call.h"

/*
 * The body's text of that name, as a NUL-ended string that lives like the call.
 * False when it was refused: absent, no string, or with a NUL in it.
 */
bool nm_member_text(struct nm_call *call, const char *name,
                    const char **text);

/* Refuses a value for its type; expected as in "a string". Returns false. */
bool nm_member_refuse_type(struct nm_call *call, const char *param,
                           const char *expected, const struct nm_value *got);

/* Refuses a text, of a body or a query, for a NUL in it. Returns false. */
bool nm_member_refuse_nul(struct nm_call *call, const char *param);

#endif
