/*
 * rows: the requests of a validated input file, one after the other, from any
 * place on. Knows lines and ids; must not know what becomes of them.
 *
 * Calling sequence: open at a place, next until row->line is NULL; close. Zeroed
 * may be closed; buffers are kept from one open to the next until release.
 */
#ifndef NM_SERVER_ROWS_H
#define NM_SERVER_ROWS_H

#include "server/ask.h"
#include "wire/jsonl.h"

/* Lent until the next call. */
struct nm_row_asked {
	const char     *line;      /* NULL = no more */
	struct nm_text  custom_id;
	const struct nm_value *body;
	uint64_t        number;    /* of the request in its file, from 1 */
};

struct nm_rows {
	int             fd_plus_one;
	uint64_t        start;     /* where this reading began */
	uint64_t        place;     /* just behind the last row lent */
	uint64_t        read_to;
	uint64_t        number;    /* of the last row lent */
	struct nm_jsonl jsonl;
	struct nm_buf   chunk;
	struct nm_json  json;
};

/* place, number: of the last row taken by an earlier reading; 0, 0 = from the
 * start. NM_IO, NM_INPUT when the file cannot be opened. */
enum nm_code nm_rows_open(struct nm_rows *rows, const char *path,
                          uint64_t place, uint64_t number,
                          struct nm_err *err) NM_MUST_USE;

/* Blank lines are passed over. NM_IO when reading fails. A line that cannot be
 * read (the file was changed) is lent with an empty id and no body. */
enum nm_code nm_rows_next(struct nm_rows *rows, struct nm_row_asked *row,
                          struct nm_err *err) NM_MUST_USE;

void nm_rows_close(struct nm_rows *rows);
void nm_rows_release(struct nm_rows *rows);

#endif
