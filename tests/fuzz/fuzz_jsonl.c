/*
 * fuzz_jsonl: however a stream is cut into chunks, its lines are the same, and
 * they are the stream. The first two bytes choose the cuts and the ceiling.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "fuzz.h"
#include "wire/jsonl.h"

static void
expect(bool promise)
{
	if (!promise)
		abort();
}

/* Every line with all that is told of it. */
static void
take_lines(struct nm_jsonl *jsonl, struct nm_buf *out)
{
	struct nm_line line;

	while (nm_jsonl_next(jsonl, &line)) {
		nm_buf_addf(out, "%llu %llu %d %d %zu:",
		            (unsigned long long)line.number,
		            (unsigned long long)line.offset, line.ended,
		            line.over, line.len);
		nm_buf_add(out, line.at, line.len);
		expect(!line.len || !memchr(line.at, '\n', line.len));
		expect(!jsonl->line_max_bytes
		       || line.len <= jsonl->line_max_bytes);
	}
}

static void
split(const uint8_t *bytes, size_t len, size_t max, unsigned cut,
      struct nm_buf *out)
{
	struct nm_jsonl jsonl = { .line_max_bytes = max };
	uint32_t chance = cut;

	while (len) {
		size_t step = len;
		char *chunk;

		chance = chance * 1664525u + 1013904223u;
		if (cut)
			step = 1 + (chance >> 16) % (cut % 23 + 1);
		if (step > len)
			step = len;
		chunk = malloc(step);
		if (!chunk)
			abort();
		memcpy(chunk, bytes, step);
		nm_jsonl_feed(&jsonl, chunk, step);
		take_lines(&jsonl, out);
		free(chunk);
		bytes += step;
		len -= step;
	}
	nm_jsonl_finish(&jsonl);
	take_lines(&jsonl, out);
	nm_jsonl_release(&jsonl);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct nm_buf whole = { 0 }, cut = { 0 };

	if (len < 2)
		return 0;
	split(bytes + 2, len - 2, bytes[1], 0, &whole);
	split(bytes + 2, len - 2, bytes[1], bytes[0] + 1u, &cut);
	expect(nm_text_equal(nm_buf_text(&whole), nm_buf_text(&cut)));
	nm_buf_release(&whole);
	nm_buf_release(&cut);
	return 0;
}
