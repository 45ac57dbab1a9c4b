/*
 * member: a member of a call's JSON body, read as what it has to be, or refused
 * in the service's words.
 */
#ifndef NM_SERVER_MEMBER_H
#define NM_SERVER_MEMBER_H

#include "server/call.h"

/* Of a name, an id, a path: what is kept, shown in lists and put in headers. */
enum { NM_MEMBER_MAX_CHARS = 1024 };

/*
 * The body's text of that name, as a NUL-ended string that lives like the call.
 * False when it was refused: absent, no string, too long, or with a NUL in it.
 */
bool nm_member_text(struct nm_call *call, const char *name,
                    const char **text);

/* Code points of valid UTF-8. */
size_t nm_member_chars(struct nm_text text);

/* False when the text was refused for its length. */
bool nm_member_fits(struct nm_call *call, const char *param,
                    struct nm_text text, size_t max_chars);

/* Refuses a value for its type; expected as in "a string". Returns false. */
bool nm_member_refuse_type(struct nm_call *call, const char *param,
                           const char *expected, const struct nm_value *got);

/* Refuses a text, of a body or a query, for a NUL in it. Returns false. */
bool nm_member_refuse_nul(struct nm_call *call, const char *param);

#endif
