/*
 * seal: see the header.
 */
#include "state/seal.h"

#include <endian.h>

#include "base/map.h"

/* Nobody is kept from making seals: they are against accidents. */
static const uint64_t KEY[2] = { 0x6e696768746d6169u, 0x6c2d6a6f75726e61u };

static void
add_number(struct nm_buf *out, uint64_t number)
{
	uint64_t bytes = htole64(number);

	nm_buf_add(out, &bytes, sizeof(bytes));
}

/* Type, length or number, bytes. */
static void
add_value(struct nm_buf *out, sqlite3_value *value)
{
	int type = sqlite3_value_type(value);
	uint64_t bits;
	double real;
	size_t len;

	nm_buf_add_byte(out, (char)type);
	switch (type) {
	case SQLITE_INTEGER:
		add_number(out, (uint64_t)sqlite3_value_int64(value));
		break;
	case SQLITE_FLOAT:
		real = sqlite3_value_double(value);
		memcpy(&bits, &real, sizeof(bits));
		add_number(out, bits);
		break;
	case SQLITE_TEXT:
	case SQLITE_BLOB:
		len = (size_t)sqlite3_value_bytes(value);
		add_number(out, len);
		if (len)
			nm_buf_add(out, sqlite3_value_blob(value), len);
		break;
	default:
		break;
	}
}

static void
seal(sqlite3_context *context, int n_values, sqlite3_value **values)
{
	struct nm_buf *out = sqlite3_user_data(context);
	uint64_t hash[2];
	int i;

	nm_buf_clear(out);
	for (i = 0; i < n_values; i++)
		add_value(out, values[i]);
	nm_hash_keyed(KEY, nm_buf_text(out), hash);
	nm_buf_recycle(out, 1 << 16);
	sqlite3_result_int64(context, (int64_t)hash[0]);
}

static void
add_seal(sqlite3_context *context, int n_values, sqlite3_value **values)
{
	uint64_t *sum = sqlite3_aggregate_context(context, sizeof(*sum));

	(void)n_values;
	if (!sum)
		abort();
	*sum ^= (uint64_t)sqlite3_value_int64(values[0]);
}

static void
end_seals(sqlite3_context *context)
{
	const uint64_t *sum = sqlite3_aggregate_context(context, 0);

	sqlite3_result_int64(context, sum ? (int64_t)*sum : 0);
}

static void
forget_buffer(void *out)
{
	nm_buf_release(out);
	free(out);
}

int
nm_seal_register(sqlite3 *db)
{
	const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;
	struct nm_buf *out = calloc(1, sizeof(*out));
	int rc;

	if (!out)
		nm_die("out of memory");
	rc = sqlite3_create_function_v2(db, "seal", -1, flags, out, seal, NULL,
	                                NULL, forget_buffer);
	if (rc == SQLITE_OK)
		rc = sqlite3_create_function_v2(db, "seals", 1, flags, NULL,
		                                NULL, add_seal, end_seals,
		                                NULL);
	return rc;
}
