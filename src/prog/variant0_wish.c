/*
 * variant0_wish: see the header.
 */
#include "prog/variant0_wish.h"

#include "prog/variant0_options.h"
#include "run/canary.h"
#include "task/command.h"

enum { DIRECT_OUTAGE_MS = 10 * 60 * 1000 };

static const char *
text_or(const struct nm_options *options, int id, const char *otherwise)
{
	const char *text = nm_options_text(options, id);

	return text ? text : otherwise;
}

static int
is_mode(const struct nm_options *options, const char *mode)
{
	return strcmp(nm_options_text(options, OPT_MODE), mode) == 0;
}

enum nm_code
nm_variant0_check(const struct nm_options *options, struct nm_err *err)
{
	static const int batch_only[] = {
		OPT_DRY_RUN, OPT_BATCH_ID, OPT_POLL_INTERVAL,
		OPT_SHARD_REQUESTS, OPT_CANARY, OPT_FINISH_DIRECT,
	};
	size_t i;

	for (i = 0; i < sizeof(batch_only) / sizeof(*batch_only); i++)
		if (is_mode(options, "direct") &&
		    nm_options_given(options, batch_only[i]))
			return nm_fail(err, NM_USAGE, 0,
				"%s goes with --mode batch: direct mode has"
				" no batches",
				nm_options_name(options, batch_only[i]));
	if (is_mode(options, "batch") &&
	    nm_options_given(options, OPT_CONCURRENCY) &&
	    !nm_options_given(options, OPT_FINISH_DIRECT))
		return nm_fail(err, NM_USAGE, 0,
			"--concurrency goes with --mode direct: a batch's"
			" requests are the service's to schedule");
	if (nm_options_given(options, OPT_DEADLINE) &&
	    !nm_options_given(options, OPT_FINISH_DIRECT))
		return nm_fail(err, NM_USAGE, 0,
			"--deadline goes with --finish-direct, which is not"
			" given");
	/* Only to ask again what a batch made elsewhere left undone. */
	if (nm_options_given(options, OPT_PROMPT) &&
	    nm_options_given(options, OPT_BATCH_ID) &&
	    !nm_options_given(options, OPT_FINISH_DIRECT))
		return nm_fail(err, NM_USAGE, 0,
			"--prompt cannot go with --batch-id: the batch was made"
			" with its own prompt");
	if (nm_options_given(options, OPT_SEED) &&
	    !nm_options_given(options, OPT_SAMPLE))
		return nm_fail(err, NM_USAGE, 0,
			"--seed goes with --sample, which is not given");
	return NM_OK;
}

void
nm_variant0_quiz(const struct nm_options *options, const char *data_dir,
                 const char *model, struct nm_quiz_wish *wish)
{
	memset(wish, 0, sizeof(*wish));
	wish->data_dir = text_or(options, OPT_DATA_DIR, data_dir);
	wish->limit = nm_options_whole(options, OPT_LIMIT);
	wish->sample = nm_options_whole(options, OPT_SAMPLE);
	wish->seed = wish->sample ? nm_options_whole(options, OPT_SEED) : 0;
	wish->model = text_or(options, OPT_MODEL, model);
	wish->max_output_tokens =
		nm_options_whole(options, OPT_MAX_OUTPUT_TOKENS);
	wish->prompt_path = nm_options_text(options, OPT_PROMPT);
}

void
nm_variant0_carry(const struct nm_options *options, struct nm_buf *out)
{
	static const int carried[] = {
		OPT_RESULTS_DIR, OPT_LENIENT, OPT_REASK, OPT_MAX_COST, OPT_PRICES,
	};
	size_t i;

	for (i = 0; i < sizeof(carried) / sizeof(*carried); i++) {
		int id = carried[i];

		if (!nm_options_given(options, id))
			continue;
		nm_buf_addf(out, " %s", nm_options_name(options, id));
		if (id == OPT_REASK)
			nm_buf_addf(out, " %lld",
				(long long)nm_options_whole(options, id));
		else if (id != OPT_LENIENT)
			nm_command_add_word(out, nm_options_text(options, id));
	}
}

/* A person sits before direct mode. */
static int64_t
outage_of(const struct nm_options *options)
{
	if (!nm_options_given(options, OPT_OUTAGE) && is_mode(options, "direct"))
		return DIRECT_OUTAGE_MS;
	return nm_options_whole(options, OPT_OUTAGE);
}

/* Said of batches by their ids, more attempts are a word about these. */
static enum nm_cancelled
cancelled(const struct nm_options *options)
{
	return nm_options_given(options, OPT_BATCH_ID) &&
	       (nm_options_given(options, OPT_MAX_ATTEMPTS) ||
	        nm_options_given(options, OPT_FINISH_DIRECT))
		? NM_CANCELLED_AGAIN : NM_CANCELLED_LEFT;
}

void
nm_variant0_settings(const struct nm_options *options,
                     struct nm_run_settings *settings)
{
	*settings = (struct nm_run_settings){
		.poll_interval_ms =
			nm_options_whole(options, OPT_POLL_INTERVAL),
		.patience_ms = nm_options_whole(options, OPT_PATIENCE),
		.outage_ms = outage_of(options),
		.shard_requests =
			nm_options_whole(options, OPT_SHARD_REQUESTS),
		.max_attempts = nm_options_whole(options, OPT_MAX_ATTEMPTS),
		.reask = nm_options_whole(options, OPT_REASK),
		.concurrency = nm_options_whole(options, OPT_CONCURRENCY),
		.canary = nm_options_given(options, OPT_CANARY)
			? nm_options_whole(options, OPT_CANARY)
			: NM_CANARY_USUAL,
		.deadline_ms = nm_options_whole(options, OPT_DEADLINE),
		.cancelled = cancelled(options),
	};
}
