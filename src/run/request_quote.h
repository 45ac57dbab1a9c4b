/*
 * request_quote: what stands on some lines of a batch's input file, fetched from
 * the service as far as it is cheap. For a person who is told of a bad line.
 */
#ifndef NM_RUN_REQUEST_QUOTE_H
#define NM_RUN_REQUEST_QUOTE_H

#include "remote/api.h"

enum {
	NM_REQUEST_QUOTE_BYTES_MAX = 8 << 20, /* of the file that are read */
	NM_REQUEST_QUOTE_TEXT_MAX = 400       /* of a line that are kept */
};

/* Texts are in the arena, empty where there is none. */
struct nm_request_quote {
	int64_t        line;      /* from 1 */
	struct nm_text custom_id; /* as it stands: with a NUL, where it has one */
	const char    *text;      /* the beginning of what the user's message says,
	                             else of the line; one line of UTF-8, with a NUL as
	                             JSON writes it */
};

/*
 * Fills in custom_id and text of n quotes, whose lines are given, in order. Reads
 * the file once from its start, no further than the last of them. A line that is
 * not reached stays without text. Fails silently: quotes are a courtesy.
 */
void nm_request_quotes_fetch(struct nm_api *api, const char *file_id,
                             struct nm_request_quote *quotes, size_t n,
                             struct nm_arena *arena);

/* The same for one line at hand. */
void nm_request_quote_read(struct nm_request_quote *quote,
                           struct nm_text line, struct nm_arena *arena);

#endif
