/*
 * row: see row.h. The inverse, for direct mode, is in row_wrap.c.
 */
#include "eval/row.h"

#include "eval/fold.h"
#include "eval/request.h"

static const char *const class_names[NM_N_CLASSES] = {
	[NM_CLASS_ANSWERED] = "answered",
	[NM_CLASS_REFUSED] = "refused",
	[NM_CLASS_TRUNCATED] = "truncated",
	[NM_CLASS_UNPARSEABLE] = "unparseable",
	[NM_CLASS_HTTP_ERROR] = "http_error",
	[NM_CLASS_EXPIRED] = "expired",
	[NM_CLASS_CANCELLED] = "cancelled",
	[NM_CLASS_MISSING] = "missing",
};

const char *
nm_class_name(enum nm_class class)
{
	return class_names[class <= NM_CLASS_MISSING ? class : NM_CLASS_MISSING];
}

enum nm_code
nm_class_read(struct nm_text name, enum nm_class *class, struct nm_err *err)
{
	for (int i = 0; i < NM_N_CLASSES; i++) {
		if (nm_text_is(name, class_names[i])) {
			*class = (enum nm_class)i;
			return NM_OK;
		}
	}
	return nm_fail(err, NM_INPUT, 0, "\"%.*s\" is no class of rows",
	               name.len > 40 ? 40 : (int)name.len, name.at);
}

int
nm_class_is_instrument(enum nm_class class)
{
	return class >= NM_CLASS_HTTP_ERROR;
}

static enum nm_class
class_of_trouble(const struct nm_trouble *trouble)
{
	/* An error that is a bare string may hold the code itself. */
	struct nm_text code = trouble->code.len ? trouble->code
	                                        : trouble->message;

	if (nm_text_is(code, "batch_expired"))
		return NM_CLASS_EXPIRED;
	if (nm_text_is(code, "batch_cancelled")
	    || nm_text_is(code, "batch_canceled"))
		return NM_CLASS_CANCELLED;
	return NM_CLASS_HTTP_ERROR;
}

static void
take_trouble(struct nm_row *row, const struct nm_trouble *trouble)
{
	row->error_code = trouble->code;
	row->error_type = trouble->type;
	row->error_message = trouble->message;
}

/* The class of content that no error, status or refusal stands before. */
static enum nm_class
class_of_content(struct nm_row_reader *reader, enum nm_ending ending,
                 struct nm_row *row)
{
	struct nm_answer answer;

	if (nm_answer_read(&reader->answer, row->content, NM_READING_STRICT,
	                   &answer) == NM_ANSWER_UNREADABLE) {
		bool saves = nm_answer_read(&reader->answer, row->content,
		                            NM_READING_LENIENT, &answer)
		          == NM_ANSWER_READ;

		row->lenient = saves && reader->reading == NM_READING_LENIENT;
		row->lenient_would_save = saves && !row->lenient;
		if (!row->lenient)
			return ending == NM_ENDING_LENGTH
			     ? NM_CLASS_TRUNCATED : NM_CLASS_UNPARSEABLE;
	}
	row->answers = answer.names;
	row->n_answers = answer.n_names;
	row->n_dropped = answer.n_dropped;
	return NM_CLASS_ANSWERED;
}

static bool
is_success(int64_t status)
{
	return status >= 200 && status <= 299;
}

static void
classify(struct nm_row_reader *reader, const struct nm_trouble *outer,
         const struct nm_body *body, struct nm_row *row)
{
	if (outer->present) {
		row->class = class_of_trouble(outer);
		take_trouble(row, outer);
	} else if (!is_success(row->status_code) || body->trouble.present) {
		row->class = NM_CLASS_HTTP_ERROR;
		take_trouble(row, &body->trouble);
	} else if (body->refusal.len
	           || body->ending == NM_ENDING_FILTERED) {
		row->class = NM_CLASS_REFUSED;
		row->error_message = body->refusal;
	} else {
		row->class = class_of_content(reader, body->ending, row);
		row->error_message = body->trouble.message;
	}
}

static int
status_of(const struct nm_value *response)
{
	int64_t status = nm_json_int(nm_json_get(response, "status_code"), 0);

	return status < 0 || status > 999 ? 0 : (int)status;
}

static void
read_response(struct nm_row_reader *reader, const struct nm_value *line,
              struct nm_row *row)
{
	const struct nm_value *response = nm_json_get(line, "response");
	struct nm_trouble outer;
	struct nm_body body;

	nm_trouble_read(nm_json_get(line, "error"), &outer);
	nm_body_read(nm_json_get(response, "body"), &reader->joints, &body);
	row->status_code = status_of(response);
	row->request_id = nm_json_text(nm_json_get(response, "request_id"));
	row->finish_reason = body.finish_reason;
	row->model = body.model;
	row->usage = body.usage;
	row->content = body.content;
	classify(reader, &outer, &body, row);
}

void
nm_row_read(struct nm_row_reader *reader, const char *line, size_t len,
            struct nm_row *row)
{
	static const char mark[] = "\xef\xbb\xbf";
	const struct nm_value *root, *custom_id;
	struct nm_text text = { line, len };

	*row = (struct nm_row){ .kind = NM_ROW_BLANK };
	if (len >= sizeof(mark) - 1 && memcmp(line, mark, sizeof(mark) - 1) == 0) {
		text.at += sizeof(mark) - 1;
		text.len -= sizeof(mark) - 1;
	}
	text = nm_fold_strip(text);
	if (text.len == 0)
		return;
	row->kind = NM_ROW_MALFORMED;
	if (nm_json_read(&reader->json, text.at, text.len, &root, NULL))
		return;
	custom_id = nm_json_get(root, "custom_id");
	if (nm_json_kind(custom_id) != NM_JSON_STRING)
		return;
	row->kind = NM_ROW_READ;
	row->custom_id = nm_json_text(custom_id);
	row->ours = nm_custom_id_read(row->custom_id, &row->id)
	         == NM_CUSTOM_ID_OURS;
	read_response(reader, root, row);
}

void
nm_row_missing(struct nm_row_reader *reader, uint64_t id, struct nm_row *row)
{
	nm_buf_clear(&reader->written);
	nm_custom_id_add(&reader->written, id);
	*row = (struct nm_row){
		.kind = NM_ROW_READ,
		.custom_id = nm_buf_text(&reader->written),
		.ours = true,
		.id = id,
		.class = NM_CLASS_MISSING,
	};
}

void
nm_row_reader_release(struct nm_row_reader *reader)
{
	if (!reader)
		return;
	nm_json_release(&reader->json);
	nm_answer_reader_release(&reader->answer);
	nm_body_joints_release(&reader->joints);
	nm_buf_release(&reader->written);
}
