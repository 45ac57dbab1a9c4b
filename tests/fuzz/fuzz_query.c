/*
 * fuzz_query: a URL's query, a Range header and a multipart Content-Type out of
 * any bytes: nothing beyond them is read, and a range lies within its file.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "server/multipart.h"
#include "server/query.h"
#include "server/range.h"

static void
expect(bool promise)
{
	if (!promise)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct nm_arena arena = {0};
	struct nm_multipart parts;
	struct nm_text text, value;
	uint64_t from = 0, n = 0;
	int64_t number;
	struct nm_err err;
	char *copy = malloc(len + 1);

	if (!copy)
		abort();
	if (len)
		memcpy(copy, bytes, len);
	text = (struct nm_text){ copy, len };
	if (nm_query_find(text, "a", &arena, &value))
		expect(value.len <= len);
	(void)nm_query_number(text, &number);
	(void)!nm_query_int(text, "a", &number, &err);
	expect(nm_query_decode(text, &arena).len <= len);
	if (nm_byte_range_read(text, 1000, &from, &n) == NM_RANGE_PART)
		expect(n > 0 && from + n <= 1000);
	copy[len] = '\0';
	(void)!nm_multipart_init(&parts, copy, &err);
	nm_multipart_release(&parts);
	nm_arena_release(&arena);
	free(copy);
	return 0;
}
