/*
 * list: what the two lists, of files and of batches, have in common: their query
 * and the object around their data. Must not know the elements.
 */
#ifndef NM_SERVER_LIST_H
#define NM_SERVER_LIST_H

#include "server/call.h"

/*
 * Reads limit, after, order and purpose of the call's query into page, whose
 * limit holds the default and max_limit the end. False when it was refused.
 */
bool nm_list_read(struct nm_call *call, size_t max_limit,
                  struct nm_store_page *page);

/*
 * Builds {"object":"list","data":[…],…}.
 * Calling sequence: open; for each element add_id, and its JSON to w; set more;
 * close; then the body is the caller's to release.
 */
struct nm_list {
	struct nm_buf         body;
	struct nm_json_writer w;
	char                  first[NM_ID_MAX], last[NM_ID_MAX];
	int                   more; /* elements follow the last; as of the store */
};
void nm_list_open(struct nm_list *list);
void nm_list_add_id(struct nm_list *list, const char *id);
void nm_list_close(struct nm_list *list);

#endif
