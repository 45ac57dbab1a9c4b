/*
 * input: a request file checked as the service would, before it is sent.
 * Knows what a line of a batch's input may hold; no I/O. The server's own check
 * is the other reading of the same rules.
 *
 * Calling sequence: init, check_line for each line in order, finish, release.
 * The codes and messages are those of the service (2024-2026), as recorded.
 */
#ifndef NM_REMOTE_INPUT_H
#define NM_REMOTE_INPUT_H

#include "base/map.h"
#include "wire/json.h"
#include "wire/jsonl.h"

enum {
	NM_INPUT_LINES_MAX = 50000,
	NM_INPUT_BYTES_MAX = 200000000, /* the service refuses above 209715200 */
	NM_INPUT_EMBEDDINGS_MAX = 50000,
	NM_INPUT_METADATA_VALUE_MAX = 512 /* characters, of a batch's metadata */
};

#define NM_INPUT_UNBOUNDED UINT64_MAX

/* Zeroed: one batch of OpenAI, endpoint and model as line 1 has them. */
struct nm_input_options {
	const char *endpoint;  /* NULL = as line 1 */
	const char *model;     /* NULL = as line 1; more than one is refused */
	uint64_t    lines_max; /* 0 = NM_INPUT_LINES_MAX */
	uint64_t    bytes_max; /* 0 = NM_INPUT_BYTES_MAX */
};

/*
 * What the service would say of one line. Texts live until the next check_line.
 */
struct nm_finding {
	uint64_t    line;         /* from 1; 0 = the file as a whole */
	const char *code;         /* "" = nothing to find fault with */
	const char *param;        /* "" = null */
	const char *message;
	uint64_t    earlier_line; /* of the same custom_id; 0 = none */
	bool        certain;      /* false: not documented by OpenAI */
	const char *hint;         /* what a person may want to know; "" = none */
};

/* One line, as far as it could be read; lent until the next check_line. A
 * faulty one adds nothing to the sums. */
struct nm_input_line {
	struct nm_text custom_id;
	struct nm_text model;
	struct nm_text url;
	uint64_t       prompt_bytes;        /* of all its texts */
	uint64_t       messages;
	uint64_t       prompt_tokens_guess; /* rough: from these two */
	uint64_t       choices;             /* replies that it has made: its n, or 1, of
	                                       each prompt */
	int64_t        output_tokens_max;   /* of all of them; -1 = no bound */
	const char    *odd_bound;           /* its bound's param, where that is no number
	                                       and is refused when it is asked; or NULL */
	uint64_t       embeddings;          /* inputs, of that endpoint alone */
	const struct nm_value *body;
};

/* Counters are of all lines checked so far. */
struct nm_input {
	struct nm_input_options options;
	struct nm_json  json;
	struct nm_map   ids;           /* custom_id -> line */
	struct nm_buf   model;         /* of the first good line */
	struct nm_buf   endpoint;      /* the same */
	struct nm_buf   message;       /* of the last finding */
	struct nm_buf   quoted;        /* what that message quotes */
	uint64_t lines;                /* blank ones too */
	uint64_t requests;             /* lines without fault */
	uint64_t faulty;               /* lines with one */
	uint64_t blank;
	uint64_t bytes;                /* with line ends */
	uint64_t embeddings;           /* inputs over all lines */
	uint64_t prompt_tokens_guess;
	uint64_t output_tokens_max;    /* sum of the lines' bounds; UINT64_MAX stands for
	                                  more than that */
	uint64_t unbounded;            /* lines whose output has no bound */
	uint64_t odd_bounds;           /* of these: with an odd_bound */
	uint64_t odd_bound_line;       /* the first of them */
	const char *odd_bound;         /* its param */
	bool     lines_told, bytes_told, embeddings_told;
};

void nm_input_init(struct nm_input *input,
                   const struct nm_input_options *options);

/*
 * Checks the next line, without its '\n'; number counts from 1. True when the
 * service would take it; else *finding says why not (one finding a line, the
 * first by the service's order). *line is filled in either case. Blank lines:
 * true, with line->body NULL, and a finding with `certain` false.
 */
bool nm_input_check_line(struct nm_input *input, struct nm_text text,
                         uint64_t number, struct nm_input_line *line,
                         struct nm_finding *finding);

/* The same of a line that is longer than can be looked at: always false. */
bool nm_input_refuse_long(struct nm_input *input, uint64_t number,
                          struct nm_finding *finding);

/*
 * Of the first bytes of a file, four or more where it has them: "is compressed …"
 * where they tell that it is no text to be read in lines, NULL where they do not.
 */
const char *nm_input_foreign(struct nm_text beginning);

/* Nothing but white space: no request, though it has a number. */
bool nm_input_is_blank(struct nm_text line);

/* Appends what stands in a line; a NUL, which would end what is shown of it, as JSON
 * writes it. */
void nm_input_add_escaped(struct nm_buf *out, struct nm_text text);

/* The same, cut to a length that fits a message. */
void nm_input_add_quoted(struct nm_buf *out, struct nm_text text);

/* What prompt_tokens_guess is for so many bytes in so many messages. */
uint64_t nm_input_guess_tokens(uint64_t prompt_bytes, uint64_t messages);

/*
 * The file as a whole, after the last line: empty, too long, too large. False
 * when a fault is found; may be called again until true.
 */
bool nm_input_finish(struct nm_input *input, struct nm_finding *finding);

void nm_input_release(struct nm_input *input);

#endif
