/*
 * ask: what one request body asks of a model, whichever endpoint it is for.
 * Knows the shapes of the four endpoints' requests; judges nothing (see params)
 * and answers nothing (see model).
 */
#ifndef NM_SERVER_ASK_H
#define NM_SERVER_ASK_H

#include "base/buf.h"
#include "wire/json.h"

enum nm_endpoint {
	NM_ENDPOINT_NONE,
	NM_ENDPOINT_CHAT,        /* /v1/chat/completions */
	NM_ENDPOINT_RESPONSES,   /* /v1/responses */
	NM_ENDPOINT_EMBEDDINGS,  /* /v1/embeddings */
	NM_ENDPOINT_COMPLETIONS  /* /v1/completions */
};

/* By its path with "/v1"; NM_ENDPOINT_NONE for any other. */
enum nm_endpoint nm_ask_endpoint(struct nm_text path);
const char *nm_ask_path(enum nm_endpoint endpoint);

/*
 * Zeroed is ready; one ask may read many bodies in turn. Texts are lent from the
 * body's values or from `joined` until the next read or release.
 */
struct nm_ask {
	enum nm_endpoint       endpoint;
	const struct nm_value *body;
	const struct nm_value *content;  /* messages, input or prompt */
	struct nm_text         model;
	struct nm_text         prompt;   /* last user message, or the last input */
	uint64_t               prompt_bytes; /* of all messages or inputs */
	size_t                 n_inputs; /* embeddings, completions: at least 0 */
	int64_t                max_tokens; /* of the answer; 0 = not given */
	int64_t                n_choices;  /* 1 unless asked for more */
	struct nm_buf          joined;   /* a prompt that came in several parts */
};

/* Never fails: what is missing or of a wrong type reads as empty. */
void nm_ask_read(struct nm_ask *ask, enum nm_endpoint endpoint,
                 const struct nm_value *body);
void nm_ask_release(struct nm_ask *ask);

/* A guess: four bytes a token, three for each message. */
int64_t nm_ask_prompt_tokens(const struct nm_ask *ask);

/* The member that holds what is asked: "messages", "input" or "prompt". */
const char *nm_ask_member(enum nm_endpoint endpoint);

/* Whether "a,b,c" (NULL = any) names the model. */
bool nm_ask_supports(const char *models, struct nm_text model);

/* Whether a number is written without a point and without an exponent. */
bool nm_ask_is_integer(const struct nm_value *value);

/* "a string", "an integer", "an array", … for messages. */
const char *nm_ask_kind(const struct nm_value *value);

/* Absent, or null, which the service takes for the same. */
bool nm_ask_lacks(const struct nm_value *value);

#endif
