/*
 * json: bytes into a tree; see json.h. What is in the tree is looked at in
 * json_value.c, the writer is in json_writer.c. A struct nm_value is a yyjson_val by
 * another name.
 */
#include "wire/json.h"

#include <stdlib.h>
#include <yyjson.h>

/* Texts whose values fit are read without an allocation; larger ones by malloc. */
enum { POOL_MIN_BYTES = 16 << 10, POOL_MAX_BYTES = 4 << 20 };

/* Of one allocation: all values, 16 bytes each, which are guessed at a sixth of the
 * text's bytes at first, and may be half of them. */
#define CHUNK_MAX_BYTES ((size_t)512 << 20)

enum { SURROGATE_BYTES = 6 }; /* of \uXXXX */

static const struct nm_value *
lend(yyjson_val *value)
{
	return (const struct nm_value *)(const void *)value;
}

static void
drop(struct nm_json *json)
{
	yyjson_doc_free(json->doc);
	json->doc = NULL;
}

/* The pool, made large enough for a text of len bytes; NULL = read without it. */
static const yyjson_alc *
pool_for(struct nm_json *json, size_t len, yyjson_read_flag flags,
         yyjson_alc *alc)
{
	size_t need = yyjson_read_max_memory_usage(len, flags);

	if (need == 0 || need > POOL_MAX_BYTES)
		return NULL;
	if (need > json->pool_bytes) {
		size_t bytes = POOL_MIN_BYTES;

		while (bytes < need)
			bytes *= 2;
		free(json->pool);
		json->pool = malloc(bytes);
		json->pool_bytes = bytes;
		if (!json->pool)
			nm_die("out of memory");
	}
	if (!yyjson_alc_pool_init(alc, json->pool, json->pool_bytes))
		return NULL;
	return alc;
}

/* NULL for what is refused; what cannot be had ends the program. */
static void *
resize(void *context, void *at, size_t old_bytes, size_t bytes)
{
	void *new;

	(void)context;
	(void)old_bytes;
	if (bytes > CHUNK_MAX_BYTES)
		return NULL;
	new = realloc(at, bytes);
	if (!new)
		nm_die("out of memory");
	return new;
}

static void *
allocate(void *context, size_t bytes)
{
	return resize(context, NULL, 0, bytes);
}

static void
release(void *context, void *at)
{
	(void)context;
	free(at);
}

static yyjson_doc *
parse(struct nm_json *json, const char *text, size_t len,
      yyjson_read_flag flags, yyjson_read_err *why)
{
	static const yyjson_alc limited = { allocate, resize, release, NULL };
	yyjson_alc alc;
	const yyjson_alc *pool = pool_for(json, len, flags, &alc);
	yyjson_doc *doc = NULL;

	/* Without the in-place flag the text is only read. */
	if (pool)
		doc = yyjson_read_opts((char *)(uintptr_t)text, len, flags,
		                       pool, why);
	if (!doc && (!pool || why->code == YYJSON_READ_ERROR_MEMORY_ALLOCATION))
		doc = yyjson_read_opts((char *)(uintptr_t)text, len, flags,
		                       &limited, why);
	return doc;
}

/* The code unit of \uXXXX at `at`, or -1. */
static int
escaped_unit(const char *at, const char *end)
{
	int unit = 0;

	if (end - at < SURROGATE_BYTES || at[0] != '\\' || at[1] != 'u')
		return -1;
	for (int i = 2; i < SURROGATE_BYTES; i++) {
		char c = at[i];
		int digit = c >= '0' && c <= '9' ? c - '0'
		          : c >= 'a' && c <= 'f' ? c - 'a' + 10
		          : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;

		if (digit < 0)
			return -1;
		unit = unit * 16 + digit;
	}
	return unit;
}

/* Bytes of the escape that begins at `at`; *lone tells whether it is a surrogate
 * without its partner. */
static size_t
escape_bytes(const char *at, const char *end, bool *lone)
{
	int unit = escaped_unit(at, end), next;

	*lone = false;
	if (unit < 0xd800 || unit > 0xdfff)
		return end - at < 2 ? 1 : 2; /* what it escapes, too */
	next = unit > 0xdbff ? -1 : escaped_unit(at + SURROGATE_BYTES, end);
	*lone = next < 0xdc00 || next > 0xdfff;
	return *lone ? SURROGATE_BYTES : 2 * SURROGATE_BYTES;
}

/*
 * Copies the text to json->mended with each lone surrogate escape as \uFFFD,
 * which is as long, so that positions stay true. False when there is none.
 */
static bool
mend(struct nm_json *json, const char *text, size_t len)
{
	const char *end = text + len;
	const char *at = text;
	bool some = false;

	while ((at = memchr(at, '\\', (size_t)(end - at)))) {
		bool lone;
		size_t bytes = escape_bytes(at, end, &lone);

		if (lone && !some) {
			json->mended.max = len;
			nm_buf_clear(&json->mended);
			nm_buf_add(&json->mended, text, len);
			some = true;
		}
		if (lone)
			memcpy(json->mended.at + (at - text), "\\uFFFD",
			       SURROGATE_BYTES);
		at += bytes;
	}
	return some;
}

/* The offset of the first bracket that opens too deep; len when there is none. */
static size_t
too_deep(const char *text, size_t len)
{
	size_t depth = 0;
	bool inside = false;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (inside && c == '\\')
			i++;
		else if (c == '"')
			inside = !inside;
		else if (inside)
			continue;
		else if ((c == '[' || c == '{') && ++depth > NM_JSON_DEPTH_MAX)
			return i;
		else if (c == ']' || c == '}')
			depth--;
	}
	return len;
}

static yyjson_doc *
parse_or_mend(struct nm_json *json, const char *text, size_t len,
              yyjson_read_flag flags, yyjson_read_err *why)
{
	yyjson_doc *doc = parse(json, text, len, flags, why);

	/* Which code a lone surrogate gets differs between yyjson's versions. */
	if (!doc && why->code != YYJSON_READ_ERROR_MEMORY_ALLOCATION &&
	    mend(json, text, len))
		doc = parse(json, json->mended.at, len, flags, why);
	return doc;
}

static enum nm_code
refuse(const yyjson_read_err *why, size_t len, struct nm_err *err)
{
	if (why->code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
		return nm_fail(err, NM_LIMIT, 0, "JSON of too many values: "
		               "%zu bytes of text", len);
	return nm_fail(err, NM_INPUT, (long)why->pos,
	               "not JSON: %s at byte %zu",
	               why->msg ? why->msg : "unreadable", why->pos);
}

static enum nm_code
read_text(struct nm_json *json, const char *text, size_t len,
          yyjson_read_flag flags, struct nm_err *err)
{
	yyjson_read_err why = { 0 };
	yyjson_doc *doc;
	size_t used, deep;

	drop(json);
	if (len == 0)
		return nm_fail(err, NM_INPUT, 0, "not JSON: empty");
	doc = parse_or_mend(json, text, len, flags | YYJSON_READ_NUMBER_AS_RAW,
	                    &why);
	if (!doc)
		return refuse(&why, len, err);
	/* Each level takes a value: few values cannot nest deep. */
	used = yyjson_doc_get_read_size(doc);
	deep = yyjson_doc_get_val_count(doc) > NM_JSON_DEPTH_MAX
	     ? too_deep(text, used) : used;
	if (deep < used) {
		yyjson_doc_free(doc);
		return nm_fail(err, NM_INPUT, (long)deep,
		               "JSON nested deeper than %d levels at byte %zu",
		               NM_JSON_DEPTH_MAX, deep);
	}
	json->doc = doc;
	return NM_OK;
}

enum nm_code
nm_json_read(struct nm_json *json, const char *text, size_t len,
             const struct nm_value **root, struct nm_err *err)
{
	enum nm_code rc = read_text(json, text, len, 0, err);

	if (rc == NM_OK)
		*root = lend(yyjson_doc_get_root(json->doc));
	return rc;
}

enum nm_code
nm_json_read_first(struct nm_json *json, const char *text, size_t len,
                   size_t *used, const struct nm_value **root,
                   struct nm_err *err)
{
	enum nm_code rc = read_text(json, text, len,
	                            YYJSON_READ_STOP_WHEN_DONE, err);

	if (rc)
		return rc;
	*used = yyjson_doc_get_read_size(json->doc);
	*root = lend(yyjson_doc_get_root(json->doc));
	return NM_OK;
}

void
nm_json_release(struct nm_json *json)
{
	if (!json)
		return;
	drop(json);
	free(json->pool);
	nm_buf_release(&json->mended);
	*json = (struct nm_json){ 0 };
}
