#include "server/list.h"

#include "server/member.h"
#include "server/query.h"

static bool
read_limit(struct nm_call *call, size_t max_limit, size_t *limit)
{
	struct nm_err err;
	int64_t number;
	enum nm_code rc = nm_query_int(call->query, "limit", &number, &err);

	if (rc == NM_ABSENT)
		return true;
	if (rc)
		return nm_call_reject(call, "limit", "invalid_type",
		                      "Invalid type for 'limit': expected an "
		                      "integer, but got a string instead.");
	if (number < 1)
		return nm_call_reject(call, "limit", "integer_below_min_value",
		                      "Invalid 'limit': integer below minimum "
		                      "value. Expected a value >= 1, but got "
		                      "%lld instead.", (long long)number);
	if ((uint64_t)number > max_limit)
		return nm_call_reject(call, "limit", "integer_above_max_value",
		                      "Invalid 'limit': integer above maximum "
		                      "value. Expected a value <= %zu, but "
		                      "got %lld instead.", max_limit,
		                      (long long)number);
	*limit = (size_t)number;
	return true;
}

static bool
read_order(struct nm_call *call, enum nm_store_order *order)
{
	struct nm_text text;

	if (!nm_query_find(call->query, "order", &call->arena, &text))
		return true;
	if (nm_text_is(text, "asc"))
		*order = NM_OLDEST_FIRST;
	else if (!nm_text_is(text, "desc"))
		return nm_call_reject(call, "order", "invalid_value",
		                      "Invalid value: '%.*s'. Supported "
		                      "values are: 'asc' and 'desc'.",
		                      NM_TEXT_ARGS(text));
	return true;
}

/* As a NUL-ended string; of nothing NULL. */
static bool
read_string(struct nm_call *call, const char *name, const char **string)
{
	struct nm_text text;

	if (!nm_query_find(call->query, name, &call->arena, &text) || !text.len)
		return true;
	if (memchr(text.at, 0, text.len))
		return nm_member_refuse_nul(call, name);
	*string = nm_arena_text(&call->arena, text).at;
	return true;
}

bool
nm_list_read(struct nm_call *call, size_t max_limit,
             struct nm_store_page *page)
{
	page->tenant = call->tenant;
	page->now_s = nm_vclock_now_s(call->parts->clock);
	if (call->fault.stale_s)
		page->before_s = page->now_s - call->fault.stale_s + 1;
	return read_string(call, "after", &page->after) &&
	       read_string(call, "purpose", &page->purpose) &&
	       read_limit(call, max_limit, &page->limit) &&
	       read_order(call, &page->order);
}

void
nm_list_open(struct nm_list *list)
{
	memset(list, 0, sizeof(*list));
	list->w.out = &list->body;
	nm_json_open_object(&list->w, NULL);
	nm_json_put_string(&list->w, "object", "list");
	nm_json_open_array(&list->w, "data");
}

void
nm_list_add_id(struct nm_list *list, const char *id)
{
	if (!list->first[0])
		snprintf(list->first, sizeof(list->first), "%s", id);
	snprintf(list->last, sizeof(list->last), "%s", id);
}

void
nm_list_close(struct nm_list *list)
{
	nm_json_close_array(&list->w);
	nm_json_put_string(&list->w, "first_id",
	                   list->first[0] ? list->first : NULL);
	nm_json_put_string(&list->w, "last_id",
	                   list->last[0] ? list->last : NULL);
	nm_json_put_true(&list->w, "has_more", list->more);
	nm_json_close_object(&list->w);
}
