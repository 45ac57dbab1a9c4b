/*
 * body: the body of one reply -> what the model wrote, how it ended, what it
 * used, or the error in its place. Reads both shapes, Chat Completions and
 * Responses. Must not know batches, custom ids, or what an answer looks like.
 */
#ifndef NM_EVAL_BODY_H
#define NM_EVAL_BODY_H

#include "base/buf.h"
#include "wire/json.h"

/*
 * Tokens of one reply. Counts over NM_USAGE_MAX_TOKENS are not believed, and half a
 * usage, which tells tokens in or out alone and not the total, says nothing of what it
 * cost: then no usage is present. cached and cache_write are parts of input, reasoning
 * of output.
 */
#define NM_USAGE_MAX_TOKENS 1000000000
struct nm_usage {
	bool    present; /* false: all counts are 0 */
	int64_t input_tokens;
	int64_t cached_tokens;
	int64_t cache_write_tokens;
	int64_t output_tokens;
	int64_t reasoning_tokens;
};

/* An error as services write it: a string, or an object. Texts are empty where
 * there is none; a numeric code is its text. */
struct nm_trouble {
	bool           present;
	struct nm_text code;
	struct nm_text type;
	struct nm_text message;
};

enum nm_ending {
	NM_ENDING_OTHER,    /* stop, tool calls, none told */
	NM_ENDING_LENGTH,   /* cut by the limit, or a Responses body "incomplete" */
	NM_ENDING_FILTERED  /* cut by the content filter */
};

struct nm_body {
	struct nm_trouble trouble;
	struct nm_text    content;  /* all of it; empty where there is none */
	struct nm_text    refusal;
	enum nm_ending    ending;
	struct nm_text    finish_reason; /* or a Responses body's reason or status */
	struct nm_text    model;
	struct nm_usage   usage;
};

/* Where content that comes in several parts is joined. Zeroed is ready. */
struct nm_body_joints {
	struct nm_buf content;
	struct nm_buf refusal;
};

/*
 * Reads a body; NULL or anything but an object gives an empty one. Of several
 * choices the first counts. Texts are lent from the value and from joints.
 */
void nm_body_read(const struct nm_value *value, struct nm_body_joints *joints,
                  struct nm_body *body);
void nm_body_joints_release(struct nm_body_joints *joints);

/* Reads an `error` member. null, false, "" and {} are none. */
void nm_trouble_read(const struct nm_value *value, struct nm_trouble *trouble);

#endif
