/*
 * byte_count: see the header.
 */
#include "cli/byte_count.h"

#include <inttypes.h>
#include <stdio.h>

const char *
nm_byte_count(uint64_t bytes, char *out)
{
	static const char *const units[] = { "kB", "MB", "GB", "TB" };
	double number = (double)bytes / 1000;
	size_t i = 0;

	if (bytes < 1000) {
		(void)snprintf(out, NM_BYTE_COUNT_MAX, "%" PRIu64 " byte%s",
		               bytes, bytes == 1 ? "" : "s");
		return out;
	}
	/* 999,950 bytes would be "1000.0 kB". */
	for (; i + 1 < sizeof(units) / sizeof(*units) && number >= 999.95; i++)
		number /= 1000;
	(void)snprintf(out, NM_BYTE_COUNT_MAX, "%.1f %s", number, units[i]);
	return out;
}
