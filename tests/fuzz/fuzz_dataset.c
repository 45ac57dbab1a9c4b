/*
 * fuzz_dataset: any line of either form is a question, blank, or bad with a
 * spot within it; a question is UTF-8 with at least one answer. Read without its
 * answers, it is the same.
 */
#include <stdlib.h>

#include "eval/dataset_line.h"
#include "fuzz.h"

static void
expect(bool promise)
{
	if (!promise)
		abort();
}

static void
expect_utf8(const char *at, size_t len)
{
	expect(nm_json_utf8_valid(at, len) == len);
}

/* `seen` is what the line is when read whole. */
static void
check_without_gold(enum nm_dataset_form form, const char *bytes, size_t len,
                   enum nm_dataset_line_kind seen,
                   const struct nm_dataset_spot *where,
                   const struct nm_question *whole)
{
	struct nm_dataset_line line = { 0 };
	struct nm_dataset_spot spot = { .line = 4, .text = { bytes, len } };
	struct nm_question q = { 0 };
	enum nm_dataset_line_kind kind = nm_dataset_line_read(&line, form,
		NM_DATASET_WITHOUT_GOLD, 0, &spot, &q);

	expect(kind == seen && spot.byte == where->byte);
	expect(q.id == whole->id && q.n_gold == 0);
	expect(q.text_len == whole->text_len && !q.text == !whole->text);
	expect(!q.text || !strcmp(q.text, whole->text));
	nm_dataset_line_release(&line);
}

static void
check(enum nm_dataset_form form, const char *bytes, size_t len)
{
	struct nm_dataset_line line = { 0 };
	struct nm_dataset_spot spot = { .line = 4, .text = { bytes, len } };
	struct nm_question q = { 0 };
	enum nm_dataset_line_kind kind = nm_dataset_line_read(&line, form,
		NM_DATASET_WHOLE, 0, &spot, &q);

	switch (kind) {
	case NM_DATASET_LINE_QUESTION:
		expect(q.id == 3 && q.text_len && q.n_gold);
		expect(strlen(q.text) == q.text_len);
		expect_utf8(q.text, q.text_len);
		for (size_t i = 0; i < q.n_gold; i++)
			expect_utf8(q.gold[i].at, q.gold[i].len);
		break;
	case NM_DATASET_LINE_BAD:
		expect(spot.problem && spot.problem[0] && spot.byte <= len);
		break;
	case NM_DATASET_LINE_BLANK:
		expect(!q.text);
		break;
	}
	check_without_gold(form, bytes, len, kind, &spot, &q);
	nm_dataset_line_release(&line);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	check(NM_DATASET_TEXT, (const char *)bytes, len);
	check(NM_DATASET_JSONL, (const char *)bytes, len);
	return 0;
}
