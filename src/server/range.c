#include "server/range.h"

/* Digits at *i; false when there are none or they overflow. */
static bool
read_number(struct nm_text text, size_t *i, uint64_t *number)
{
	size_t begin = *i;
	uint64_t n = 0;

	for (; *i < text.len && text.at[*i] >= '0' && text.at[*i] <= '9'; ++*i) {
		if (n > UINT64_MAX / 10 - 1)
			return false;
		n = n * 10 + (uint64_t)(text.at[*i] - '0');
	}
	*number = n;
	return *i > begin;
}

enum nm_byte_range
nm_byte_range_read(struct nm_text header, uint64_t total, uint64_t *from,
              uint64_t *bytes)
{
	uint64_t first = 0, last = 0;
	size_t i = 6;
	bool has_first, has_last;

	if (header.len < 7 || memcmp(header.at, "bytes=", 6) != 0)
		return NM_RANGE_WHOLE;
	has_first = read_number(header, &i, &first);
	if (i >= header.len || header.at[i] != '-')
		return NM_RANGE_WHOLE;
	i++;
	has_last = read_number(header, &i, &last);
	if (i != header.len || (!has_first && !has_last) ||
	    (has_first && has_last && last < first))
		return NM_RANGE_WHOLE;
	if (!has_first) { /* the last so many bytes */
		if (!last || !total)
			return NM_RANGE_NEVER;
		first = last < total ? total - last : 0;
		last = total - 1;
	}
	if (first >= total)
		return NM_RANGE_NEVER;
	if (!has_last || last >= total)
		last = total - 1;
	*from = first;
	*bytes = last - first + 1;
	return NM_RANGE_PART;
}
