/*
 * fuzz_script: a fault script out of any bytes: read or refused with a line, and
 * what was read can be asked about any call, row and batch.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "server/script.h"

static void
expect(bool promise)
{
	if (!promise)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct nm_text text = { (const char *)bytes, len };
	struct nm_batch_fault batch;
	struct nm_row_fault row;
	struct nm_script script;
	struct nm_err err;

	if (nm_script_read(&script, "s", text, 0, &err)) {
		expect(err.code == NM_INPUT && strncmp(err.text, "s:", 2) == 0);
		return 0;
	}
	for (size_t i = 0; i < script.n_calls; i++) {
		expect(script.calls[i].method && script.calls[i].path);
		(void)nm_path_fits(script.calls[i].path,
		                   NM_TEXT("/v1/files/f/content"));
		(void)nm_which_is(&script.calls[i].which, 3, i, 5, text);
	}
	for (uint64_t n = 1; n < 9; n++) {
		nm_script_batch(&script, n, &batch);
		expect(!nm_script_row(&script, n, n, text, &row) ||
		       row.class != NM_ROW_PLAIN);
	}
	nm_script_release(&script);
	return 0;
}
