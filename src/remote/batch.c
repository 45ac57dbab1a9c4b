/*
 * batch: one batch object, read as leniently as vendors differ; see batches.h.
 */
#include <ctype.h>
#include <time.h>

#include "remote/batches.h"

static const struct {
	const char          *word;
	enum nm_batch_status status;
} statuses[] = {
	{ "validating", NM_BATCH_VALIDATING },
	{ "in_progress", NM_BATCH_IN_PROGRESS },
	{ "finalizing", NM_BATCH_FINALIZING },
	{ "completed", NM_BATCH_COMPLETED },
	{ "failed", NM_BATCH_FAILED },
	{ "expired", NM_BATCH_EXPIRED },
	{ "cancelling", NM_BATCH_CANCELLING },
	{ "cancelled", NM_BATCH_CANCELLED },
	/* Other vendors' words for the same. */
	{ "canceling", NM_BATCH_CANCELLING },
	{ "cancellation_requested", NM_BATCH_CANCELLING },
	{ "canceled", NM_BATCH_CANCELLED },
	{ "queued", NM_BATCH_VALIDATING },
	{ "pending", NM_BATCH_VALIDATING },
	{ "running", NM_BATCH_IN_PROGRESS },
	{ "success", NM_BATCH_COMPLETED },
	{ "timeout_exceeded", NM_BATCH_EXPIRED },
};

bool
nm_batch_is_final(enum nm_batch_status status)
{
	return status >= NM_BATCH_COMPLETED;
}

int64_t
nm_batch_ended_s(const struct nm_batch *batch)
{
	switch (batch->status) {
	case NM_BATCH_COMPLETED:
		return batch->completed_s;
	case NM_BATCH_FAILED:
		return batch->failed_s;
	case NM_BATCH_EXPIRED:
		return batch->expired_s;
	case NM_BATCH_CANCELLED:
		return batch->cancelled_s;
	default:
		return 0;
	}
}

const char *
nm_batch_metadata(const struct nm_batch *batch, const char *name)
{
	for (size_t i = 0; i < batch->n_metadata; i++)
		if (strcmp(batch->metadata[i].name, name) == 0)
			return batch->metadata[i].value;
	return "";
}

static const char *
take(struct nm_arena *arena, struct nm_text text)
{
	return nm_arena_text(arena, text).at;
}

static const char *
take_member(struct nm_arena *arena, const struct nm_value *object,
            const char *name)
{
	return take(arena, nm_json_text(nm_json_get(object, name)));
}

static int64_t
read_digits(const char **at, size_t max)
{
	int64_t value = 0;

	for (; max > 0 && isdigit((unsigned char)**at); max--)
		value = value * 10 + (*(*at)++ - '0');
	return value;
}

static bool
skip_byte(const char **at, const char *bytes)
{
	if (!**at || !strchr(bytes, **at))
		return false;
	++*at;
	return true;
}

/* "+05:30", "-0800", "Z" or nothing, as seconds east of Greenwich. */
static int64_t
read_zone(const char *at)
{
	int64_t sign = *at == '-' ? -1 : 1, hours, minutes;

	if (!skip_byte(&at, "+-"))
		return 0;
	hours = read_digits(&at, 2);
	skip_byte(&at, ":");
	minutes = read_digits(&at, 2);
	return sign * (hours * 3600 + minutes * 60);
}

/* "2026-03-25T11:13:11.5Z" (RFC 3339), as Azure has it; 0 if it is none. */
static int64_t
read_iso(const char *at)
{
	struct tm tm = {0};
	int64_t year = read_digits(&at, 4), month, day;
	time_t seconds;

	if (year < 1970 || !skip_byte(&at, "-"))
		return 0;
	month = read_digits(&at, 2);
	if (month < 1 || month > 12 || !skip_byte(&at, "-"))
		return 0;
	day = read_digits(&at, 2);
	if (day < 1 || day > 31 || !skip_byte(&at, "Tt "))
		return 0;
	tm.tm_year = (int)year - 1900;
	tm.tm_mon = (int)month - 1;
	tm.tm_mday = (int)day;
	tm.tm_hour = (int)read_digits(&at, 2);
	if (!skip_byte(&at, ":"))
		return 0;
	tm.tm_min = (int)read_digits(&at, 2);
	if (skip_byte(&at, ":"))
		tm.tm_sec = (int)read_digits(&at, 2);
	if (skip_byte(&at, "."))
		read_digits(&at, 18);
	seconds = timegm(&tm);
	return seconds < 0 ? 0 : (int64_t)seconds - read_zone(at);
}

static int64_t
read_time(const struct nm_value *object, const char *name)
{
	const struct nm_value *value = nm_json_get(object, name);
	double seconds;

	if (nm_json_kind(value) == NM_JSON_NUMBER) {
		seconds = nm_json_double(value, 0);
		return seconds > 0 && seconds < 1e15 ? (int64_t)seconds : 0;
	}
	if (nm_json_kind(value) == NM_JSON_STRING)
		return read_iso(nm_json_string(value));
	return 0;
}

static int64_t
read_count(const struct nm_value *object, const char *name)
{
	int64_t count = nm_json_int(nm_json_get(object, name), -1);

	return count < 0 ? -1 : count;
}

static int64_t
read_either(const struct nm_value *object, const char *name,
            const char *otherwise)
{
	int64_t count = read_count(object, name);

	return count >= 0 ? count : read_count(object, otherwise);
}

/* A part of a count, of its details in one word or the other. */
static int64_t
read_part(const struct nm_value *usage, const char *details,
          const char *otherwise, const char *name)
{
	int64_t part = read_count(nm_json_get(usage, details), name);

	return part >= 0 ? part
	                 : read_count(nm_json_get(usage, otherwise), name);
}

static void
read_usage(struct nm_batch_usage *usage, const struct nm_value *value)
{
	usage->input_tokens = read_either(value, "input_tokens",
	                                  "prompt_tokens");
	usage->output_tokens = read_either(value, "output_tokens",
	                                   "completion_tokens");
	usage->total_tokens = read_count(value, "total_tokens");
	usage->cached_tokens = read_part(value, "input_tokens_details",
	                                 "prompt_tokens_details",
	                                 "cached_tokens");
	usage->reasoning_tokens = read_part(value, "output_tokens_details",
	                                    "completion_tokens_details",
	                                    "reasoning_tokens");
}

static void
read_status(struct nm_batch *batch, const struct nm_value *object,
            struct nm_arena *arena)
{
	struct nm_text text = nm_json_text(nm_json_get(object, "status"));
	char *lower = nm_arena_new(arena, text.len + 1);

	for (size_t i = 0; i < text.len; i++)
		lower[i] = (char)tolower((unsigned char)text.at[i]);
	batch->status_text = lower;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (strcmp(lower, statuses[i].word) == 0)
			batch->status = statuses[i].status;
}

static void
read_error(struct nm_batch_error *out, const struct nm_value *value,
           struct nm_arena *arena)
{
	*out = (struct nm_batch_error){
		.code = take_member(arena, value, "code"),
		.message = take_member(arena, value, "message"),
		.param = take_member(arena, value, "param"),
	};
	if (nm_json_kind(value) == NM_JSON_STRING)
		out->message = take(arena, nm_json_text(value));
	out->line = read_count(value, "line");
	if (out->line < 0)
		out->line = 0;
}

/* {"data":[…]}, a bare array, or a sole text under "error". */
static void
read_errors(struct nm_batch *batch, const struct nm_value *object,
            struct nm_arena *arena)
{
	const struct nm_value *list = nm_json_get(object, "errors"), *element;
	struct nm_batch_error *errors;
	struct nm_json_walk walk;

	if (nm_json_kind(list) == NM_JSON_OBJECT)
		list = nm_json_get(list, "data");
	if (nm_json_kind(list) != NM_JSON_ARRAY)
		list = NULL;
	errors = nm_arena_array(arena, nm_json_count(list) + 1,
	                        sizeof(*errors));
	nm_json_walk_init(&walk, list);
	while ((element = nm_json_walk_next(&walk, NULL)))
		read_error(&errors[batch->n_errors++], element, arena);
	element = nm_json_get(object, "error");
	if (batch->n_errors == 0 && (nm_json_kind(element) == NM_JSON_STRING ||
	                             nm_json_kind(element) == NM_JSON_OBJECT))
		read_error(&errors[batch->n_errors++], element, arena);
	batch->errors = errors;
}

static void
read_metadata(struct nm_batch *batch, const struct nm_value *object,
              struct nm_arena *arena)
{
	const struct nm_value *members = nm_json_get(object, "metadata");
	const struct nm_value *value;
	struct nm_batch_pair *pairs;
	struct nm_json_walk walk;
	struct nm_text name;

	if (nm_json_kind(members) != NM_JSON_OBJECT)
		members = NULL;
	pairs = nm_arena_array(arena, nm_json_count(members) + 1,
	                       sizeof(*pairs));
	nm_json_walk_init(&walk, members);
	while ((value = nm_json_walk_next(&walk, &name)))
		if (nm_json_kind(value) == NM_JSON_STRING)
			pairs[batch->n_metadata++] = (struct nm_batch_pair){
				take(arena, name),
				take(arena, nm_json_text(value))
			};
	batch->metadata = pairs;
}

static void
read_times(struct nm_batch *batch, const struct nm_value *object)
{
	batch->created_s = read_time(object, "created_at");
	batch->in_progress_s = read_time(object, "in_progress_at");
	batch->expires_s = read_time(object, "expires_at");
	batch->finalizing_s = read_time(object, "finalizing_at");
	batch->completed_s = read_time(object, "completed_at");
	batch->failed_s = read_time(object, "failed_at");
	batch->expired_s = read_time(object, "expired_at");
	batch->cancelling_s = read_time(object, "cancelling_at");
	batch->cancelled_s = read_time(object, "cancelled_at");
}

enum nm_code
nm_batch_read(const struct nm_value *object, struct nm_arena *arena,
              struct nm_batch *out, struct nm_err *err)
{
	const struct nm_value *counts;
	struct nm_batch batch = {0};

	/* One vendor wraps the answer to a creation. */
	if (nm_json_kind(nm_json_get(object, "job")) == NM_JSON_OBJECT)
		object = nm_json_get(object, "job");
	batch.id = take_member(arena, object, "id");
	if (!*batch.id)
		return nm_fail(err, NM_PROTOCOL, 0,
		               "the service's reply is no batch: it has no id");
	read_status(&batch, object, arena);
	batch.endpoint = take_member(arena, object, "endpoint");
	batch.model = take_member(arena, object, "model");
	batch.completion_window = take_member(arena, object,
	                                      "completion_window");
	batch.input_file_id = take_member(arena, object, "input_file_id");
	batch.output_file_id = take_member(arena, object, "output_file_id");
	batch.error_file_id = take_member(arena, object, "error_file_id");
	read_times(&batch, object);
	counts = nm_json_get(object, "request_counts");
	batch.total = read_count(counts, "total");
	batch.completed = read_count(counts, "completed");
	batch.failed = read_count(counts, "failed");
	read_usage(&batch.usage, nm_json_get(object, "usage"));
	read_errors(&batch, object, arena);
	read_metadata(&batch, object, arena);
	*out = batch;
	return NM_OK;
}
