/*
 * place: where a dataset lies, what it is called, and whether it is the sample
 * that this program ships. Knows names and digests, not what a file holds.
 */
#ifndef NM_EVAL_PLACE_H
#define NM_EVAL_PLACE_H

#include "base/buf.h"

/* Zeroed is empty and ready. */
struct nm_place {
	struct nm_buf path; /* of the file */
	struct nm_buf name; /* "1-hop-test", or the file's base name, no ending */
};

/*
 * Sets place from what a person typed. "1-hop", "2-hop", "3-hop" and these with
 * "-test" behind are MetaQA's: <data_dir>/1-hop/vanilla/qa_test.txt, named
 * 1-hop-test. Anything else is a path as it stands. Whether the file exists is
 * not looked at. NM_USAGE for an empty name.
 */
enum nm_code nm_place_find(struct nm_place *place, const char *typed,
                           const char *data_dir, struct nm_err *err)
	NM_MUST_USE;

/* The same for the name that a batch's metadata holds: NM_ABSENT when it is not
 * one of MetaQA's three. */
enum nm_code nm_place_named(struct nm_place *place, struct nm_text name,
                            const char *data_dir, struct nm_err *err)
	NM_MUST_USE;

void nm_place_release(struct nm_place *place);

enum nm_place_origin { NM_PLACE_OTHER, NM_PLACE_SAMPLE };

/*
 * Tells by the file's SHA-256 (hex) whether it is a shipped sample, from the
 * data file metaqa/sample.sha256 ("hexdigest  path" a line). No such data file
 * means NM_PLACE_OTHER; NM_INPUT (file:line) when it cannot be understood.
 */
enum nm_code nm_place_origin(const char *file_sha256,
                             enum nm_place_origin *origin,
                             struct nm_err *err) NM_MUST_USE;

#endif
