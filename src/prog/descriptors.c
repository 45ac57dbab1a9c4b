/*
 * descriptors: see the header.
 */
#include "prog/descriptors.h"

#include <sys/resource.h>

/* Where the hard limit is a billion, some libraries would walk through them all. */
enum { DESCRIPTORS_MAX = 1 << 16 };

void
nm_descriptors_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) ||
	    limit.rlim_cur >= DESCRIPTORS_MAX)
		return;
	limit.rlim_cur = limit.rlim_max < DESCRIPTORS_MAX ? limit.rlim_max
	                                                  : DESCRIPTORS_MAX;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}
