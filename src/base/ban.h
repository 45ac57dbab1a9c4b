/*
 * ban: functions that lose a length or a reason. Forced into every source file by
 * the build, so that using one does not compile.
 */
#ifndef NM_BASE_BAN_H
#define NM_BASE_BAN_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf strtok
#pragma GCC poison gets atoi atol atoll atof

#endif
