/*
 * variant0_options: the option table of variant0_llm_baseline.
 */
#ifndef NM_PROG_VARIANT0_OPTIONS_H
#define NM_PROG_VARIANT0_OPTIONS_H

#include "cli/option.h"

enum nm_variant0_option {
	OPT_MODE = 1, OPT_DATASETS, OPT_LIMIT, OPT_SAMPLE, OPT_SEED,
	OPT_DATA_DIR, OPT_PROMPT, OPT_LENIENT,
	OPT_MODEL, OPT_MAX_OUTPUT_TOKENS,
	OPT_DRY_RUN, OPT_BATCH_ID, OPT_POLL_INTERVAL, OPT_NEW,
	OPT_SHARD_REQUESTS, OPT_PATIENCE, OPT_MAX_ATTEMPTS, OPT_REASK,
	OPT_CONCURRENCY,
	OPT_LOCAL, OPT_BASE_URL,
	OPT_YES, OPT_PRICES,
	OPT_RESULTS_DIR, OPT_JSON, OPT_QUIET
};

extern const struct nm_option_table nm_variant0_options;

#endif
