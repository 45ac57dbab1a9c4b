/*
 * inspection: what --check tells of a file, as text or as JSON: its faults one by one,
 * and what it holds and would cost. Must not know how it is read.
 */
#ifndef NM_PROG_INSPECTION_H
#define NM_PROG_INSPECTION_H

#include "eval/price.h"
#include "prog/manager.h"
#include "remote/input.h"

/* Invariant: text is what stdout still lacks. */
struct nm_inspection {
	struct nm_manager    *manager;
	struct nm_prices      prices;
	const char           *path;
	struct nm_input       input;
	struct nm_jsonl       lines;
	struct nm_buf         chunk;
	struct nm_buf         text;
	struct nm_json_writer w;
	bool                  json;
	uint64_t              bytes;        /* read of this file */
	uint64_t              findings;     /* of it */
	uint64_t              faulty_files; /* of all so far */
	bool                  some;         /* that could be read */
};

/* "requests.jsonl:3: invalid_url (url): The URL …", or a member of an array of JSON, for
 * which custom_id may be empty. */
void nm_inspection_add_finding(struct nm_inspection *in,
                               const struct nm_finding *finding);
void nm_inspection_put_finding(struct nm_inspection *in,
                               const struct nm_finding *finding,
                               struct nm_text custom_id);

/* After the last: sums and cost. The JSON ends the array of findings, and the file's
 * object. */
void nm_inspection_add_totals(struct nm_inspection *in);
void nm_inspection_put_totals(struct nm_inspection *in);

#endif
