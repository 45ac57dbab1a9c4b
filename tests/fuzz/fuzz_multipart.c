/*
 * fuzz_multipart: however a body is cut into chunks, its parts are the same, and
 * no part holds the delimiter. The first byte chooses the cuts.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "server/multipart.h"

static void
expect(bool promise)
{
	if (!promise)
		abort();
}

/* Tells all events; bytes of one part run together, however they were cut.
 * False when it was broken. */
static bool
tell(struct nm_multipart *parts, struct nm_buf *out)
{
	enum nm_part_event event;

	while ((event = nm_multipart_next(parts)) != NM_PART_MORE) {
		if (event == NM_PART_BROKEN) {
			nm_buf_add_string(out, "!");
			return false;
		}
		if (event == NM_PART_BYTES) {
			expect(parts->bytes.len > 0);
			nm_buf_add_text(out, parts->bytes);
			continue;
		}
		nm_buf_addf(out, "<%d>", (int)event);
		if (event != NM_PART_BEGIN)
			continue;
		nm_buf_add_text(out, parts->name);
		nm_buf_addf(out, "<%d>", parts->named);
		nm_buf_add_text(out, parts->filename);
		nm_buf_add_text(out, parts->type);
	}
	return true;
}

static void
read_parts(const uint8_t *bytes, size_t len, unsigned cut, struct nm_buf *out)
{
	struct nm_multipart parts;
	struct nm_err err;
	uint32_t chance = cut;
	bool going = true;

	expect(nm_multipart_init(&parts, "multipart/form-data; boundary=b",
	                         &err) == NM_OK);
	while (len && going) {
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
		nm_multipart_feed(&parts, chunk, step);
		going = tell(&parts, out);
		free(chunk);
		bytes += step;
		len -= step;
	}
	nm_buf_addf(out, "<%d>", nm_multipart_complete(&parts));
	nm_multipart_release(&parts);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct nm_buf whole = {0}, cut = {0};

	if (!len)
		return 0;
	read_parts(bytes + 1, len - 1, 0, &whole);
	read_parts(bytes + 1, len - 1, bytes[0], &cut);
	expect(nm_text_equal(nm_buf_text(&whole), nm_buf_text(&cut)));
	nm_buf_release(&whole);
	nm_buf_release(&cut);
	return 0;
}
