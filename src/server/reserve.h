/*
 * reserve: a little room put by in the state folder, so that what gives room back
 * can be written down on a full disk too.
 * Knows the folder; must not know what is written.
 */
#ifndef NM_SERVER_RESERVE_H
#define NM_SERVER_RESERVE_H

#include <stdbool.h>

#include "base/err.h"

/* Puts the room by, unless it is there. A disk too full for it is let be. */
void nm_reserve_keep(const char *folder);

/* Gives it up if err is of a full disk; whether it is worth another try. */
bool nm_reserve_lend(const char *folder, const struct nm_err *err);

#endif
