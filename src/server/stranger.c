/*
 * stranger: see the header.
 */
#include "server/stranger.h"

#include <stdlib.h>

struct nm_result_head
nm_stranger_head(const struct nm_result_head *row, enum nm_row_class class,
                 struct nm_buf *id)
{
	nm_buf_clear(id);
	nm_buf_addf(id, "%s-%016llx",
	            class == NM_ROW_RENAMED ? "renamed" : "unknown",
	            (unsigned long long)row->salt);
	return (struct nm_result_head){ nm_buf_text(id), ~row->salt };
}

bool
nm_stranger_is_extra(const struct nm_value *line)
{
	static const char prefix[] = NM_RESULT_ID_PREFIX;
	const char *id = nm_json_string(nm_json_get(line, "id"));
	struct nm_text custom_id = nm_json_text(nm_json_get(line, "custom_id"));
	struct nm_result_head row = {0};
	struct nm_buf name = {0};
	bool extra;

	if (!id || strncmp(id, prefix, strlen(prefix)) != 0)
		return false;
	row.salt = ~strtoull(id + strlen(prefix), NULL, 16);
	extra = nm_text_equal(
		nm_stranger_head(&row, NM_ROW_UNKNOWN, &name).custom_id,
		custom_id);
	nm_buf_release(&name);
	return extra;
}
