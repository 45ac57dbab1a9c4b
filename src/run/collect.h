/*
 * collect: result files -> one row a request, in the order of the source.
 * Joins by custom_id, never by order. Reads each line once, by as many threads as
 * there are processors, and lays what counts of it by, in a pile beside the first
 * file; holds 16 bytes a request.
 *
 * Calling sequence: init; add_file for each, earlier attempts first and of one
 * attempt the output files before the error files; row for each ordinal; release.
 */
#ifndef NM_RUN_COLLECT_H
#define NM_RUN_COLLECT_H

#include "eval/row.h"
#include "run/ledger.h"
#include "run/members.h"
#include "run/pile.h"
#include "run/source.h"

struct nm_collect_entry;

enum nm_way { NM_WAY_BATCH, NM_WAY_DIRECT };

/* What a reply cost by; lent. */
struct nm_heard {
	struct nm_text  model; /* empty = not told */
	struct nm_usage usage;
	enum nm_way     way;
	bool            replied; /* the model did; false: the service failed it */
};

struct nm_collect {
	const struct nm_source  *source;
	struct nm_row_reader     reader;
	struct nm_collect_entry *entries; /* by ordinal */
	int64_t                  count;
	struct nm_pile           pile;    /* the rows that count, packed */
	uint64_t                 unknown, duplicate, malformed;
	uint64_t                 rows;    /* rows met in all files */
	enum { NM_COLLECT_NONE, NM_COLLECT_REAL, NM_COLLECT_SIMULATED } model;
	char                     model_replied[96];
	/* Told of each request's reply once an attempt, also of rows that others will
	 * displace, while files are added. NULL = nobody. */
	void                   (*heard)(void *user, const struct nm_heard *reply);
	void                    *heard_user;
};

/* Does a model of this name only pretend, for nothing? */
int nm_collect_is_simulated(struct nm_text model);

/* The source's count must be known. `heard` may be set after it. */
void nm_collect_init(struct nm_collect *collect,
                     const struct nm_source *source, enum nm_reading reading);

/* Reads a file through and lays each request's row by. NM_IO when that cannot be
 * written. */
enum nm_code nm_collect_add_file(struct nm_collect *collect, const char *path,
                                 int64_t attempt, enum nm_way way,
                                 struct nm_err *err) NM_MUST_USE;

/* What is known of a request so far. */
enum nm_class nm_collect_class(const struct nm_collect *collect,
                               int64_t ordinal);

/* What is worth another attempt. */
struct nm_collect_want {
	int     failures; /* 1 = what the service failed and may yet do: 5xx, 408, 409,
	                     429, expired, cancelled, missing, status 0, a 200 that tells
	                     of the same or is another's page; 0 = not */
	int64_t reask;    /* what the model did, up to so often a request */
};

/* Adds the ordinals that want another attempt, in order, but for those whose bit
 * is set in `closed` (a bit an ordinal, low bits first; NULL = none). */
void nm_collect_again(const struct nm_collect *collect,
                      const struct nm_collect_want *want,
                      const unsigned char *closed,
                      struct nm_members *members);

/* Where a row came from. */
struct nm_origin {
	int64_t     attempt; /* 0 = it never came */
	enum nm_way way;
};

/*
 * The request's row, lent until the next call; of one that never came,
 * nm_row_missing(id). It lacks what nm_row_pack leaves out.
 */
enum nm_code nm_collect_row(struct nm_collect *collect, int64_t ordinal,
                            uint64_t id, struct nm_row *row,
                            struct nm_origin *origin, struct nm_err *err)
	NM_MUST_USE;

/* The same row as nm_row_pack left it, for nm_row_unpack; its `at` is NULL of one
 * that never came. */
enum nm_code nm_collect_packed(struct nm_collect *collect, int64_t ordinal,
                               struct nm_text *packed,
                               struct nm_origin *origin, struct nm_err *err)
	NM_MUST_USE;

void nm_collect_release(struct nm_collect *collect);

#endif
