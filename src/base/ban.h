/*
 * ban: functions that lose a length or a reason. Forced into every source file by
 * the build, so that using one does not compile. The headers that declare or use
 * them come first: a poisoned word may not appear even in a system header.
 */
#ifndef NM_BASE_BAN_H
#define NM_BASE_BAN_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Macros of the C library's checked variants, where the compiler has those. */
#undef strcpy
#undef strcat
#undef strncpy
#undef strncat
#undef sprintf
#undef vsprintf

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf strtok
#pragma GCC poison gets atoi atol atoll atof

#endif
