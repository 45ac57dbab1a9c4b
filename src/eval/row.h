/*
 * row: one request's outcome, read from a line of a result file (output or
 * error file, of this service or a compatible one), or composed for a reply
 * that never came. Knows the shapes of reply bodies; must not know questions
 * or gold. A line that cannot be read is a result too, never an error.
 */
#ifndef NM_EVAL_ROW_H
#define NM_EVAL_ROW_H

#include "eval/answer.h"
#include "eval/body.h"

/*
 * Every question sent ends in exactly one class. The order is that of tables
 * and files, not that of precedence.
 */
enum nm_class {
	NM_CLASS_ANSWERED,
	NM_CLASS_REFUSED,
	NM_CLASS_TRUNCATED,
	NM_CLASS_UNPARSEABLE,
	NM_CLASS_HTTP_ERROR, /* from here on: instrument failures */
	NM_CLASS_EXPIRED,
	NM_CLASS_CANCELLED,
	NM_CLASS_MISSING
};
enum { NM_N_CLASSES = 8 };

/* "answered", "refused", …; never NULL. */
const char *nm_class_name(enum nm_class class);
/* The class of that name; NM_INPUT when there is none. */
enum nm_code nm_class_read(struct nm_text name, enum nm_class *class,
                           struct nm_err *err) NM_MUST_USE;
/* 1 when no model's answer was had: a failure of the instrument, not a wrong
 * answer. */
int nm_class_is_instrument(enum nm_class class);

/*
 * Of a result file. The longest text ever seen had 96 kB, but the reply to one request
 * may be 2,048 embeddings of 3,072 numbers each, or ten pictures: some 130 MB.
 */
#define NM_ROW_LINE_MAX_BYTES ((size_t)160 << 20)

enum nm_row_kind {
	NM_ROW_READ,
	NM_ROW_BLANK,    /* white space alone: not a row */
	NM_ROW_MALFORMED /* no JSON object, or none with a custom_id that is a string */
};

/* All texts are UTF-8, empty where there is none, lent until the reader's next
 * call; error texts are whole, however long. */
struct nm_row {
	enum nm_row_kind kind; /* unless READ, all below is zero */
	struct nm_text   custom_id;
	bool             ours; /* custom_id is request-N; else id is 0 */
	uint64_t         id;
	enum nm_class    class;
	int              status_code; /* 0 = none was told */
	struct nm_text   request_id;
	struct nm_text   error_code;  /* numbers as their text */
	struct nm_text   error_type;
	struct nm_text   error_message; /* also a refusal's text */
	struct nm_text   finish_reason; /* or a Responses body's reason or status */
	struct nm_text   model;
	struct nm_usage  usage;
	struct nm_text   content; /* what the model wrote, all of it */
	const struct nm_text *answers; /* none unless class is ANSWERED */
	size_t           n_answers;
	size_t           n_dropped;
	bool             lenient; /* answered, but only by NM_READING_LENIENT */
	bool             lenient_would_save; /* not answered; that would read it */
};

/* Zeroed is ready and strict. */
struct nm_row_reader {
	enum nm_reading         reading;
	struct nm_json          json;
	struct nm_answer_reader answer;
	struct nm_body_joints   joints;
	struct nm_buf           written; /* a custom id, or a line being wrapped */
};

/* Reads a line without its '\n'. Precedence of classes: outer error; status
 * outside 200-299 or an error in the body; refusal; answered; truncated;
 * unparseable. */
void nm_row_read(struct nm_row_reader *reader, const char *line, size_t len,
                 struct nm_row *row);

/* The row of a question for which no line came. */
void nm_row_missing(struct nm_row_reader *reader, uint64_t id,
                    struct nm_row *row);

/*
 * Appends a row that was read, in a form for nm_row_unpack alone: of this process,
 * and of no fixed length. All of it but the content of one that was answered.
 */
void nm_row_pack(const struct nm_row *row, struct nm_buf *out);

/* The row that was packed there; lent from `packed`, its list of answers until the
 * reader's next call. */
void nm_row_unpack(struct nm_row_reader *reader, const char *packed,
                   struct nm_row *row);

/* Of the row that was packed there its usage and its model, lent from `packed`: what
 * can be had without a reader. */
void nm_row_peek(const char *packed, struct nm_usage *usage,
                 struct nm_text *model);

void nm_row_reader_release(struct nm_row_reader *reader);

/* A reply of direct mode. */
struct nm_row_reply {
	struct nm_text custom_id;
	int            status_code;   /* HTTP; 0 = no reply came */
	struct nm_text request_id;    /* may be empty */
	struct nm_text body;          /* as received, JSON or not */
	struct nm_text error_code;    /* where no reply came: "unreachable", … */
	struct nm_text error_message;
};

enum nm_row_wrapped {
	NM_ROW_REPLY,        /* the service's own, be it an answer or an error */
	NM_ROW_NO_COMPLETION /* 2xx, and yet neither: the row is a failure */
};

/*
 * Appends the line, '\n' included, that an output file would hold for this
 * reply, so that one reader serves both modes. A body that is one JSON value
 * is kept byte for byte (line breaks become spaces); any other is kept as a
 * JSON string: as `body` when the status is 2xx, else as `body.error.message`
 * with code "not_json" (http_error). A 2xx whose body is no JSON object with
 * `choices`, `output`, `data` or `error` did not come from a model: the row has
 * an outer error too, of code "no_completion" (http_error). No reply becomes an
 * outer error (http_error, status 0).
 */
enum nm_row_wrapped nm_row_wrap(struct nm_row_reader *reader,
                                const struct nm_row_reply *reply,
                                struct nm_buf *out);

#endif
