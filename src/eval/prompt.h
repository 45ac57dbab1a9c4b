/*
 * prompt: the words around a question. Knows text, not models or endpoints.
 *
 * A template has one {question}. It is the user message. A line that holds only
 * "---" parts it: what stands above is the system message (none, when nothing
 * does), what stands below the user message with its {question}. A template
 * without such a line has the built-in system message.
 */
#ifndef NM_EVAL_PROMPT_H
#define NM_EVAL_PROMPT_H

#include "base/digest.h"

enum { NM_PROMPT_MAX_BYTES = 256 << 10 };

/* Zeroed may be released. */
struct nm_prompt {
	struct nm_buf system; /* may be empty: then there is no system message */
	struct nm_buf before; /* the user message up to {question} */
	struct nm_buf after;  /* and from there on */
	char          digest[NM_DIGEST_HEX_MAX]; /* SHA-256 of the three */
	struct nm_buf source; /* the file's path, or "built-in" */
};

/*
 * Reads a template from a file; NULL = the built-in one. One newline at the
 * template's end is left out. NM_INPUT (file:line) when {question} is absent
 * or stands twice or in the system part, the text is not UTF-8 or holds a NUL byte,
 * or the word JSON is nowhere (the service refuses JSON mode without it); NM_LIMIT
 * when it is over NM_PROMPT_MAX_BYTES.
 */
enum nm_code nm_prompt_load(struct nm_prompt *prompt, const char *path,
                            struct nm_err *err) NM_MUST_USE;

/* The same from bytes in memory; `source` names them in errors. */
enum nm_code nm_prompt_read(struct nm_prompt *prompt, struct nm_text template,
                            const char *source, struct nm_err *err)
	NM_MUST_USE;

void nm_prompt_release(struct nm_prompt *prompt);

/* Bytes of both messages, the question's own not counted; and what they weigh by
 * nm_bound_weigh. */
size_t nm_prompt_bytes(const struct nm_prompt *prompt);
uint64_t nm_prompt_weight(const struct nm_prompt *prompt);

#endif
