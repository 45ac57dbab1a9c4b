/*
 * fuzz_check: an input file out of any bytes, for each endpoint, in pieces of any
 * size: its books hold, its errors are JSON, and each of its bodies can be judged
 * and answered.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "server/check.h"
#include "server/model.h"
#include "server/params.h"

static void
expect(bool promise)
{
	if (!promise)
		abort();
}

static void
check_all(const uint8_t *bytes, size_t len, enum nm_endpoint endpoint,
          size_t step)
{
	struct nm_check_options options = { .endpoint = endpoint,
	                                    .max_entries = 5 };
	const struct nm_value *root;
	struct nm_buf errors = {0};
	struct nm_json json = {0};
	struct nm_check check;

	nm_check_init(&check, &options);
	for (size_t i = 0; i < len; i += step)
		nm_check_feed(&check, bytes + i, len - i < step ? len - i : step);
	nm_check_finish(&check);
	expect(check.bytes == len);
	expect(check.n_entries <= 5 && check.n_entries <= check.n_bad);
	expect(check.n_bad || check.requests);
	nm_check_write(&check, &errors);
	expect(!nm_json_read(&json, errors.at, errors.len, &root, NULL));
	nm_json_release(&json);
	nm_buf_release(&errors);
	nm_check_release(&check);
}

/* The bytes as one request body: refused, or answered by JSON. */
static void
answer(const uint8_t *bytes, size_t len, enum nm_endpoint endpoint,
       struct nm_model *model)
{
	struct nm_json json = {0}, again = {0};
	struct nm_buf scratch = {0}, out = {0};
	struct nm_reply_wish wish = { .twist = (enum nm_twist)(len % 9) };
	struct nm_verdict verdict = {0};
	const struct nm_value *root;
	struct nm_ask ask = {0};
	struct nm_usage usage;

	if (nm_json_read(&json, (const char *)bytes, len, &root, NULL))
		goto done;
	nm_ask_read(&ask, endpoint, root);
	nm_params_judge(&ask, NULL, &verdict);
	if (verdict.status)
		nm_verdict_write(&verdict, &out);
	else
		nm_model_reply(model, &ask, &wish, &scratch, &out, &usage);
	expect(!nm_json_read(&again, out.at, out.len, &root, NULL));
done:
	nm_verdict_release(&verdict);
	nm_ask_release(&ask);
	nm_json_release(&json);
	nm_json_release(&again);
	nm_buf_release(&scratch);
	nm_buf_release(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct nm_model *model;
	enum nm_endpoint endpoint;

	if (len == 0)
		return 0;
	if (!model)
		expect(!nm_model_open(NULL, 0, &model, NULL));
	endpoint = (enum nm_endpoint)(bytes[0] % 4 + NM_ENDPOINT_CHAT);
	check_all(bytes + 1, len - 1, endpoint, 1 + bytes[0] / 4);
	answer(bytes + 1, len - 1, endpoint, model);
	return 0;
}
