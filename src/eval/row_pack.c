/*
 * row_pack: a row as bytes of this process's own form, so that a line need be read
 * but once. See row.h.
 */
#include "eval/row.h"

enum { N_TEXTS = 8 };

/* What stands first; all texts, the lengths of the answers and these follow. */
struct head {
	uint64_t id;
	uint64_t n_dropped;
	uint32_t tokens[5]; /* NM_USAGE_MAX_TOKENS fits */
	uint32_t n_answers;
	uint32_t lens[N_TEXTS];
	int32_t  status_code;
	uint8_t  class;
	uint8_t  ours, present, lenient, lenient_would_save;
};

/* The row's texts, in their order: the model first, where nm_row_peek finds it; content
 * only where it was not read. */
static void
list_texts(const struct nm_row *row, struct nm_text *texts)
{
	const struct nm_text list[N_TEXTS] = {
		row->model, row->custom_id, row->request_id, row->error_code,
		row->error_type, row->error_message, row->finish_reason,
		row->content,
	};

	memcpy(texts, list, sizeof(list));
	if (row->class == NM_CLASS_ANSWERED)
		texts[N_TEXTS - 1].len = 0;
}

static void
fill_head(const struct nm_row *row, struct head *head)
{
	const struct nm_usage *usage = &row->usage;

	*head = (struct head){
		.id = row->id,
		.n_dropped = row->n_dropped,
		.tokens = { (uint32_t)usage->input_tokens,
		            (uint32_t)usage->cached_tokens,
		            (uint32_t)usage->cache_write_tokens,
		            (uint32_t)usage->output_tokens,
		            (uint32_t)usage->reasoning_tokens },
		.n_answers = (uint32_t)row->n_answers,
		.status_code = row->status_code,
		.class = (uint8_t)row->class,
		.ours = row->ours,
		.present = usage->present,
		.lenient = row->lenient,
		.lenient_would_save = row->lenient_would_save,
	};
}

static char *
copy(char *to, struct nm_text text)
{
	if (text.len)
		memcpy(to, text.at, text.len);
	return to + text.len;
}

void
nm_row_pack(const struct nm_row *row, struct nm_buf *out)
{
	size_t bytes = sizeof(struct head) + 4 * row->n_answers;
	struct nm_text texts[N_TEXTS];
	struct head head;
	char *begin, *at, *lens;

	list_texts(row, texts);
	fill_head(row, &head);
	for (size_t i = 0; i < N_TEXTS; i++) {
		head.lens[i] = (uint32_t)texts[i].len;
		bytes += texts[i].len;
	}
	for (size_t i = 0; i < row->n_answers; i++)
		bytes += row->answers[i].len;
	begin = at = nm_buf_room(out, bytes);
	if (!at)
		return;
	at = copy(at, (struct nm_text){ (const char *)&head, sizeof(head) });
	for (size_t i = 0; i < N_TEXTS; i++)
		at = copy(at, texts[i]);
	lens = at;
	at += 4 * row->n_answers;
	for (size_t i = 0; i < row->n_answers; i++) {
		uint32_t len = (uint32_t)row->answers[i].len;

		memcpy(lens + 4 * i, &len, 4);
		at = copy(at, row->answers[i]);
	}
	nm_buf_took(out, (size_t)(at - begin));
}

static struct nm_text
take(const char **at, uint32_t len)
{
	struct nm_text text = { *at, len };

	*at += len;
	return text;
}

static struct nm_text *
take_answers(struct nm_row_reader *reader, const char **at, size_t n)
{
	struct nm_arena *arena = &reader->answer.arena;
	const char *lens = *at;
	struct nm_text *answers;

	nm_arena_clear(arena);
	answers = nm_arena_array(arena, n, sizeof(*answers));
	*at += 4 * n;
	for (size_t i = 0; i < n; i++) {
		uint32_t len;

		memcpy(&len, lens + 4 * i, 4);
		answers[i] = take(at, len);
	}
	return answers;
}

static struct nm_usage
usage_of(const struct head *head)
{
	return (struct nm_usage){
		.present = head->present,
		.input_tokens = head->tokens[0],
		.cached_tokens = head->tokens[1],
		.cache_write_tokens = head->tokens[2],
		.output_tokens = head->tokens[3],
		.reasoning_tokens = head->tokens[4],
	};
}

void
nm_row_unpack(struct nm_row_reader *reader, const char *packed,
              struct nm_row *row)
{
	const char *at = packed + sizeof(struct head);
	struct head head;

	memcpy(&head, packed, sizeof(head));
	*row = (struct nm_row){
		.kind = NM_ROW_READ,
		.id = head.id,
		.ours = head.ours,
		.class = (enum nm_class)head.class,
		.status_code = head.status_code,
		.usage = usage_of(&head),
		.n_answers = head.n_answers,
		.n_dropped = head.n_dropped,
		.lenient = head.lenient,
		.lenient_would_save = head.lenient_would_save,
	};
	row->model = take(&at, head.lens[0]);
	row->custom_id = take(&at, head.lens[1]);
	row->request_id = take(&at, head.lens[2]);
	row->error_code = take(&at, head.lens[3]);
	row->error_type = take(&at, head.lens[4]);
	row->error_message = take(&at, head.lens[5]);
	row->finish_reason = take(&at, head.lens[6]);
	row->content = take(&at, head.lens[7]);
	if (head.n_answers)
		row->answers = take_answers(reader, &at, head.n_answers);
}

void
nm_row_peek(const char *packed, struct nm_usage *usage, struct nm_text *model)
{
	struct head head;

	memcpy(&head, packed, sizeof(head));
	*usage = usage_of(&head);
	*model = (struct nm_text){ packed + sizeof(head), head.lens[0] };
}
