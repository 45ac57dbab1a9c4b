/* multipart: one body, whole and in every cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "server/multipart.h"

#define TYPE "multipart/form-data; boundary=B0und"
#define HEAD(name) "--B0und\r\nContent-Disposition: form-data; name=\"" name \
	"\"\r\n\r\n"

/* Writes what the parser tells: name[filename]<type>=bytes; and "." at the
 * close, "!" when it is broken. */
static void
tell(const char *type, const char *body, size_t len, size_t chunk,
     struct nm_buf *out)
{
	struct nm_multipart parts;
	enum nm_part_event event;
	struct nm_err err;
	char *copy;
	size_t n;

	nm_buf_clear(out);
	if (nm_multipart_init(&parts, type, &err)) {
		nm_buf_add_string(out, "refused");
		nm_multipart_release(&parts);
		return;
	}
	for (size_t at = 0; at < len; at += n) {
		n = len - at < chunk ? len - at : chunk;
		/* A copy of just the chunk, so that no byte beyond is read. */
		copy = malloc(n);
		assert_non_null(copy);
		memcpy(copy, body + at, n);
		nm_multipart_feed(&parts, copy, n);
		while ((event = nm_multipart_next(&parts)) != NM_PART_MORE) {
			if (event == NM_PART_BEGIN)
				nm_buf_addf(out, "%.*s", NM_TEXT_ARGS(parts.name));
			if (event == NM_PART_BEGIN && parts.named)
				nm_buf_addf(out, "[%.*s]",
				            NM_TEXT_ARGS(parts.filename));
			if (event == NM_PART_BEGIN && parts.type.len)
				nm_buf_addf(out, "<%.*s>",
				            NM_TEXT_ARGS(parts.type));
			if (event == NM_PART_BEGIN)
				nm_buf_add_byte(out, '=');
			if (event == NM_PART_BYTES)
				nm_buf_add_text(out, parts.bytes);
			if (event == NM_PART_END)
				nm_buf_add_byte(out, ';');
			if (event == NM_PART_CLOSE)
				nm_buf_add_byte(out, '.');
			if (event == NM_PART_BROKEN) {
				nm_buf_add_byte(out, '!');
				break;
			}
		}
		free(copy);
		if (out->len && out->at[out->len - 1] == '!')
			break;
	}
	nm_multipart_release(&parts);
}

static void
test_bodies(void **state)
{
	static const struct {
		const char *type, *body, *told, *why;
	} rows[] = {
		{ TYPE, HEAD("a") "1\r\n--B0und--\r\n", "a=1;.", "one field" },
		{ TYPE, HEAD("a") "1\r\n" HEAD("b") "22\r\n--B0und--",
		  "a=1;b=22;.", "two, and no line end after the close" },
		{ TYPE, HEAD("a") "\r\n--B0und--\r\n", "a=;.", "an empty one" },
		{ TYPE, "--B0und--\r\n", ".", "none at all" },
		{ TYPE, "not mine\r\n" HEAD("a") "1\r\n--B0und--\r\n", "a=1;.",
		  "a preamble is nobody's" },
		{ TYPE, HEAD("a") "1\r\n--B0und--\r\ntail", "a=1;.",
		  "nor is an epilogue" },
		{ TYPE, HEAD("a") "x\r\n--B0unx\r\n\r\n-\r\n--B0und--\r\n",
		  "a=x\r\n--B0unx\r\n\r\n-;.", "what only begins as a boundary" },
		{ TYPE, HEAD("a") "\r\n\r\n\r\n--B0und--\r\n", "a=\r\n\r\n;.",
		  "line ends of the part's own" },
		{ TYPE, "--B0und\r\nContent-Disposition: form-data; name=\"file\"; "
		  "filename=\"a b.jsonl\"\r\nContent-Type: text/plain\r\n\r\n{}"
		  "\r\n--B0und--\r\n", "file[a b.jsonl]<text/plain>={};.",
		  "a file" },
		{ TYPE, "--B0und\r\ncontent-DISPOSITION: form-data; filename=x; "
		  "name=f\r\n\r\n1\r\n--B0und--\r\n", "f[x]=1;.",
		  "any case, any order, no quotes" },
		{ TYPE, "--B0und\r\nContent-Disposition: form-data; "
		  "name=\"a\\\"b\"; filename=\"\"\r\n\r\n1\r\n--B0und--\r\n",
		  "a\"b[]=1;.", "an escaped quote, and an empty file name" },
		{ TYPE, "--B0und \t\r\nContent-Disposition: form-data; name=a\r\n"
		  "\r\n1\r\n--B0und--\r\n", "a=1;.",
		  "blanks after a boundary are padding" },
		{ TYPE, "--B0und\nContent-Disposition: form-data; name=a\n\n1"
		  "\r\n--B0und--\r\n", "!", "a bare line end after a boundary" },
		{ TYPE, "--B0undx\r\n\r\n1\r\n--B0und--\r\n", "!",
		  "a longer boundary is not this one" },
		{ TYPE, HEAD("a") "1", "a=1", "cut off: no close" },
		{ "multipart/form-data; boundary=\"q q\"",
		  "--q q\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n"
		  "--q q--", "a=1;.", "a quoted boundary" },
		{ "multipart/form-data", "", "refused", "no boundary" },
		{ "multipart/form-data; boundary=", "", "refused", "an empty one" },
		{ "application/json", "", "refused", "another type" },
		{ "multipart/form-data; xboundary=q; boundary=B0und",
		  HEAD("a") "1\r\n--B0und--", "a=1;.", "another parameter first" },
	};
	struct nm_buf out = {0};
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		len = strlen(rows[i].body);
		for (size_t chunk = 1; chunk <= len + 1; chunk++) {
			tell(rows[i].type, rows[i].body, len, chunk, &out);
			if (strcmp(nm_buf_string(&out), rows[i].told) != 0)
				fail_msg("%s, in chunks of %zu: %s", rows[i].why,
				         chunk, nm_buf_string(&out));
		}
	}
	nm_buf_release(&out);
}

/* A head that never ends is refused before it fills the memory. */
static void
test_long_head(void **state)
{
	struct nm_buf body = {0}, out = {0};

	(void)state;
	nm_buf_add_string(&body, "--B0und\r\n");
	for (int i = 0; i < 2000; i++)
		nm_buf_add_string(&body, "X-Header: something\r\n");
	tell(TYPE, body.at, body.len, 1000, &out);
	assert_string_equal(nm_buf_string(&out), "!");
	nm_buf_release(&body);
	nm_buf_release(&out);
}

/* What a string ends at would hide what stands behind. */
static void
test_nul(void **state)
{
	static const char body[] = "--B0und\r\nContent-Disposition: form-data; "
		"name=\"file\"; filename=\"a.jsonl\0.exe\"\r\n\r\n{}\r\n--B0und--";
	struct nm_buf out = {0};

	(void)state;
	for (size_t chunk = 1; chunk <= sizeof(body); chunk++) {
		tell(TYPE, body, sizeof(body) - 1, chunk, &out);
		assert_string_equal(nm_buf_string(&out), "!");
	}
	nm_buf_release(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_long_head),
		cmocka_unit_test(test_nul),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
