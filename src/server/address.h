/*
 * address: whether a reply shows that the upstream's base URL leads to no API such as
 * OpenAI's: a page, a redirection, a path that is not there.
 * Knows statuses and what servers say; must not know rows, or who is told.
 */
#ifndef NM_SERVER_ADDRESS_H
#define NM_SERVER_ADDRESS_H

#include "base/buf.h"
#include "wire/json.h"

/*
 * root: the body's value, NULL where it is no JSON. What an API says of the request
 * itself is none, an unknown model (404, with an error of its own) for example; nor is
 * JSON that is broken.
 */
bool nm_address_is_wrong(int status, struct nm_text body,
                         const struct nm_value *root);

#endif
