/*
 * quiz: questions of a dataset, put into a prompt, as a run's source; and what a
 * later process has to know to ask (or score) the same ones.
 *
 * Calling sequence: open; its source (run/source.h) and question in any order, each as
 * often as wanted; close. A later process: recall or guess, then open by the memory's
 * wish. One thread, for source and quiz stand at one place of one file.
 */
#ifndef NM_RUN_QUIZ_H
#define NM_RUN_QUIZ_H

#include "eval/place.h"
#include "eval/request.h"
#include "eval/selection.h"
#include "remote/batches.h"
#include "run/source.h"

/* Zero means default; texts are borrowed until open returns. */
struct nm_quiz_wish {
	const char *typed;     /* the dataset as a person typed it */
	const char *data_dir;  /* of 1-hop and the like */
	const char *path;      /* the file itself, instead of typed and data_dir */
	const char *name;      /* with path: the dataset's name */
	int64_t     limit;
	int64_t     sample;
	int64_t     seed;
	const char *model;     /* NULL: nothing will be sent, only scored */
	int64_t     max_output_tokens;
	const char *prompt_path;     /* NULL = the built-in prompt */
	const char *prompt_template; /* its text, instead of a path */
	void      (*bad_line)(void *context, const struct nm_err *err,
	                      const struct nm_dataset_spot *spot);
	void       *bad_line_context;
};

struct nm_quiz;

/* Reads the dataset once, to count and digest it. Errors of nm_selection_open,
 * nm_place_find, nm_prompt_load and nm_request_init. */
enum nm_code nm_quiz_open(struct nm_quiz **quiz,
                          const struct nm_quiz_wish *wish,
                          struct nm_err *err) NM_MUST_USE;
void nm_quiz_close(struct nm_quiz *quiz);

/* The quiz as a run's source; lives as long as the quiz. */
struct nm_source *nm_quiz_source(struct nm_quiz *quiz);

const char *nm_quiz_name(const struct nm_quiz *quiz);
const char *nm_quiz_path(const struct nm_quiz *quiz);
const struct nm_selection_facts *nm_quiz_facts(const struct nm_quiz *quiz);
/* Empty when nothing is sent. */
const struct nm_prompt *nm_quiz_prompt(const struct nm_quiz *quiz);
/* Of the prompt; of model, parameters and prompt. "" when nothing is sent. */
const char *nm_quiz_prompt_digest(const struct nm_quiz *quiz);
const char *nm_quiz_request_digest(const struct nm_quiz *quiz);
size_t nm_quiz_prompt_bytes(const struct nm_quiz *quiz);
uint64_t nm_quiz_prompt_weight(const struct nm_quiz *quiz); /* eval/bound.h */
const struct nm_quiz_wish *nm_quiz_wish(const struct nm_quiz *quiz);

/* The question of this ordinal, lent until the next call on quiz or source.
 * Rising ordinals are read on from where the last one stood. */
enum nm_code nm_quiz_question(struct nm_quiz *quiz, int64_t ordinal,
                              struct nm_question *question,
                              struct nm_err *err) NM_MUST_USE;

/* After the last question: NM_INPUT when the file was written to since it was opened,
 * so that what was lent may not be what was sent. */
enum nm_code nm_quiz_end(struct nm_quiz *quiz, struct nm_err *err) NM_MUST_USE;

/*
 * Appends what a later process needs, as JSON: path, name, selection, digests,
 * model, prompt. `description` is the batch's.
 */
void nm_quiz_spec(const struct nm_quiz *quiz, const char *description,
                  struct nm_buf *out);

/* The metadata of its batches; pairs has NM_RUN_METADATA_MAX places. Texts go in
 * the arena. Returns how many. */
size_t nm_quiz_metadata(const struct nm_quiz *quiz, const char *description,
                        struct nm_arena *arena, struct nm_batch_pair *pairs);

/* What was asked, read back. Texts are in the arena. */
struct nm_quiz_memory {
	struct nm_quiz_wish wish;    /* path and name, or name alone */
	const char         *digest;  /* of the questions; "" = not told */
	const char         *prompt_digest;
	int64_t             questions; /* -1 = not told */
	const char         *model;     /* that was asked; NULL = not told */
	int64_t             max_output_tokens;
};

/* From a run's spec. NM_STATE when it is none of ours. */
enum nm_code nm_quiz_recall(const char *spec, struct nm_arena *arena,
                            struct nm_quiz_memory *memory,
                            struct nm_err *err) NM_MUST_USE;

/*
 * From a batch's metadata: ours, or an older script's, whose description is
 * "Variant0 - 1-hop-test" and whose num_questions were the first ones. The name is
 * NULL when the metadata do not tell it.
 */
void nm_quiz_guess(const struct nm_batch *batch, struct nm_arena *arena,
                   struct nm_quiz_memory *memory);

#endif
