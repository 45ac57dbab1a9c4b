/*
 * model: the simulated model: deterministic answers from a hash of seed, model
 * name and prompt, and from answer keys where there are any.
 * Knows prompts and keys; must not know batches or HTTP.
 *
 * A prompt that holds a question of a key is answered {"answers":[…]} with, in
 * the proportions of the mix, all gold answers, all and invented ones, some of
 * them, invented ones alone, or none. Where only one gold answer exists, "some"
 * is all. Any other prompt gets invented names. Invented names are made of
 * syllables that resemble no title.
 *
 * Calling sequence: open; mix, before any other thread has it; refresh before replies
 * that may need new keys, and say or reply, of any thread; close.
 */
#ifndef NM_SERVER_MODEL_H
#define NM_SERVER_MODEL_H

#include "base/buf.h"
#include "server/ask.h"
#include "server/said.h"
#include "server/usage.h"

struct nm_model;

/* keys_dir: the folder of answer-key files, each in a dataset's own form; NULL =
 * none. A key that is added while the model is open is found by refresh. */
enum nm_code nm_model_open(const char *keys_dir, uint64_t seed,
                           struct nm_model **model, struct nm_err *err)
	NM_MUST_USE;
/*
 * Sets the mix: five per cents that sum to 100, "55/10/20/10/5" at first. NM_USAGE
 * for anything else. Before the first answer.
 */
enum nm_code nm_model_mix(struct nm_model *model, const char *mix,
                          struct nm_err *err) NM_MUST_USE;
/* Reads the keys anew when the folder's files have changed; cheap otherwise. */
enum nm_code nm_model_refresh(struct nm_model *model, struct nm_err *err)
	NM_MUST_USE;
/* The same, at most once a second: for each synchronous call. */
enum nm_code nm_model_refresh_lately(struct nm_model *model,
                                     struct nm_err *err) NM_MUST_USE;
void nm_model_close(struct nm_model *model);

/* What a script may make of an answer. */
enum nm_twist {
	NM_TWIST_NONE,
	NM_TWIST_REFUSAL,   /* a refusal instead of content */
	NM_TWIST_TRUNCATED, /* cut in the middle, finish_reason length */
	NM_TWIST_FILTERED,  /* content_filter, no content */
	NM_TWIST_PROSE,     /* content that is no JSON */
	NM_TWIST_FENCED,    /* the JSON in a code fence */
	NM_TWIST_NULL,      /* content null */
	NM_TWIST_SEPARATORS, /* U+2028 and U+0085, raw, in the last answer */
	NM_TWIST_SEVERAL    /* of a response: a message before the answer's */
};

/* Answers; `choice` counts from 0. Any thread. content is overwritten. */
void nm_model_say(struct nm_model *model, const struct nm_ask *ask,
                  enum nm_twist twist, unsigned choice,
                  struct nm_buf *content, struct nm_said *said);

/* How one reply is to be written. */
struct nm_reply_wish {
	uint64_t      salt;    /* of the ids in it */
	int64_t       now_s;
	enum nm_twist twist;
};

/*
 * Appends the whole reply object of ask's endpoint; its model is "simulated-"
 * and the model asked. usage may not be NULL. scratch is overwritten.
 */
void nm_model_reply(struct nm_model *model, const struct nm_ask *ask,
                    const struct nm_reply_wish *wish, struct nm_buf *scratch,
                    struct nm_buf *out, struct nm_usage *usage);

#endif
