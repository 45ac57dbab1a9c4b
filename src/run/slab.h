/*
 * slab: a stretch of whole lines of a result file, and the rows read from them. For
 * a crew's hand: touches nothing else. Must not know which of the rows count.
 *
 * Calling sequence: for each stretch clear, put lines into `lines`, set what is above
 * it; read; look; release at the end. A zeroed slab is clear.
 */
#ifndef NM_RUN_SLAB_H
#define NM_RUN_SLAB_H

#include "eval/row.h"
#include "run/source.h"

/* A row of a request that was asked. */
struct nm_slab_row {
	int64_t       ordinal;
	uint32_t      at, len;  /* of it, in `packed` */
	enum nm_class class;
	bool          may_pass; /* an instrument failure that may pass */
};

struct nm_slab {
	const struct nm_source *source; /* its `find` alone is used */
	enum nm_reading         reading;
	struct nm_buf           lines;  /* whole ones, the last with or without its end */
	/* What was read. */
	struct nm_slab_row     *rows;   /* as they came */
	size_t                  n_rows, rows_room;
	struct nm_buf           packed; /* by nm_row_pack, one after the other */
	uint64_t                unknown;   /* rows of ids never asked */
	uint64_t                malformed; /* lines that are no rows, or too long */
};

/* Empties it and keeps the memory, unless that is much. */
void nm_slab_clear(struct nm_slab *slab);

/* It holds a line so long that no others are to be held beside it. */
bool nm_slab_is_heavy(const struct nm_slab *slab);

/* Reads all lines. */
void nm_slab_read(struct nm_slab *slab);

void nm_slab_release(struct nm_slab *slab);

#endif
