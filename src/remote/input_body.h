/*
 * input_body: the body of one request line, as far as input judges and sums it.
 * For input; knows the endpoints' names for the same things.
 */
#ifndef NM_REMOTE_INPUT_BODY_H
#define NM_REMOTE_INPUT_BODY_H

#include "remote/input.h"

/* The members that matter, NULL where absent; they live as long as the body. */
struct nm_input_body {
	const struct nm_value *model, *messages, *input, *prompt, *stream;
	const struct nm_value *instructions, *n, *best_of;
	const struct nm_value *max_tokens, *max_completion_tokens;
	const struct nm_value *max_output_tokens;
};

/* Looks every member up in one walk; of one given twice the last counts. */
struct nm_input_body nm_input_body_read(const struct nm_value *object);

/* Sets the line's two numbers of tokens, and what they come from; its url is set: each
 * endpoint has a name of its own for the bound of a reply. */
void nm_input_body_guess(const struct nm_input_body *body,
                         struct nm_input_line *line);

/* Inputs of an embeddings request; 0 for any other endpoint. */
uint64_t nm_input_body_embeddings(const struct nm_input_body *body,
                                  struct nm_text url);

#endif
