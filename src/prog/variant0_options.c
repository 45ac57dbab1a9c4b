/*
 * variant0_options: see the header. Texts here are the manual's texts too.
 */
#include "prog/variant0_options.h"

static const char *const synopsis[] = {
	"[--mode direct|batch] [--datasets NAME...] [OPTION...]",
	"--mode batch --dry-run [OPTION...]",
	"--mode batch --batch-id ID... [OPTION...]",
	NULL,
};

static const struct nm_option options[] = {
	{ OPT_MODE, 0, "mode", NM_OPTION_CHOICE, "MODE", "direct", NULL,
	  "direct|batch", 0, 0,
	  "ask at once at full price, or overnight at half of it",
	  "Questions", 0 },
	{ OPT_DATASETS, 0, "datasets", NM_OPTION_LIST, "NAME", "1-hop", NULL,
	  "1-hop|2-hop|3-hop", 0, 0,
	  "question sets: 1-hop, 2-hop, 3-hop, or the path of a file in"
	  " MetaQA's text form or JSON Lines with question and answers",
	  NULL, 0 },
	{ OPT_LIMIT, 0, "limit", NM_OPTION_WHOLE, "N", NULL, "all", NULL,
	  1, 2147483647, "take the first N lines of each dataset", NULL, 0 },
	{ OPT_SAMPLE, 0, "sample", NM_OPTION_WHOLE, "N", NULL, NULL, NULL,
	  1, 2147483647, "take N questions of each dataset by chance",
	  NULL, 0 },
	{ OPT_SEED, 0, "seed", NM_OPTION_WHOLE, "N", "1", NULL, NULL,
	  0, 4294967295.0, "seed of --sample's choice", NULL, 0 },
	{ OPT_DATA_DIR, 0, "data-dir", NM_OPTION_TEXT, "DIR", NULL,
	  "data/metaqa", NULL, 0, 0,
	  "folder with 1-hop/vanilla/qa_test.txt and so on", NULL, 0 },
	{ OPT_PROMPT, 0, "prompt", NM_OPTION_TEXT, "FILE", NULL,
	  "built in", NULL, 0, 0,
	  "prompt template with one {question}", NULL, 0 },
	{ OPT_LENIENT, 0, "lenient", NM_OPTION_FLAG, NULL, NULL, NULL, NULL,
	  0, 0, "also take answers out of code fences and prose", NULL, 0 },

	{ OPT_MODEL, 0, "model", NM_OPTION_TEXT, "NAME", NULL,
	  "OPENAI_MODEL, else gpt-5-mini", NULL, 0, 0, "model to ask",
	  "Model", 0 },
	{ OPT_MAX_OUTPUT_TOKENS, 0, "max-output-tokens", NM_OPTION_WHOLE,
	  "N", NULL, "the model's own", NULL, 1, 10000000,
	  "max_completion_tokens of each request", NULL, 0 },

	{ OPT_DRY_RUN, 0, "dry-run", NM_OPTION_FLAG, NULL, NULL, NULL, NULL,
	  0, 0, "create the batch, print its id and do not wait",
	  "Batch mode", 0 },
	{ OPT_BATCH_ID, 0, "batch-id", NM_OPTION_LIST, "ID", NULL, NULL,
	  NULL, 0, 0, "wait for these batches and score their results",
	  NULL, 0 },
	{ OPT_POLL_INTERVAL, 0, "poll-interval", NM_OPTION_SPAN, "SECONDS",
	  "30", NULL, NULL, 100, 86400000,
	  "longest pause between two looks at a batch", NULL, 0 },
	{ OPT_NEW, 0, "new", NM_OPTION_FLAG, NULL, NULL, NULL, NULL, 0, 0,
	  "submit afresh, though the same run is unfinished", NULL, 0 },
	{ OPT_SHARD_REQUESTS, 0, "shard-requests", NM_OPTION_WHOLE, "N",
	  "50000", NULL, NULL, 1, 50000,
	  "requests of one batch at most", NULL, 0 },
	{ OPT_PATIENCE, 0, "patience", NM_OPTION_SPAN, "SECONDS", "15",
	  NULL, NULL, 1, 3600000,
	  "how long to look for a submission whose reply was lost before it"
	  " is sent again", NULL, 0 },
	{ OPT_OUTAGE, 0, "outage", NM_OPTION_SPAN, "DURATION", NULL,
	  "6h, in direct mode 10m", NULL, 1, 604800000,
	  "how long a service that has answered may be away or fail before"
	  " the run stops, to be taken up later", NULL, NM_OPTION_UNIT },

	{ OPT_CONCURRENCY, 0, "concurrency", NM_OPTION_WHOLE, "N", "64",
	  NULL, NULL, 1, 4096, "requests in flight at most", "Direct mode",
	  0 },

	{ OPT_MAX_ATTEMPTS, 0, "max-attempts", NM_OPTION_WHOLE, "N", "3",
	  NULL, NULL, 1, 100,
	  "send a request that the service failed (5xx, 429, expired,"
	  " missing) N times at most", "Failures", 0 },
	{ OPT_REASK, 0, "reask", NM_OPTION_WHOLE, "N", "0", NULL, NULL,
	  0, 100, "ask again, N times at most, where the answer cannot be"
	  " read or was cut; this changes what is measured", NULL, 0 },
	{ OPT_FINISH_DIRECT, 0, "finish-direct", NM_OPTION_FLAG, NULL, NULL,
	  NULL, NULL, 0, 0, "send what a batch left undone through direct"
	  " mode, at full price, instead of by another batch", NULL, 0 },
	{ OPT_DEADLINE, 0, "deadline", NM_OPTION_SPAN, "DURATION", NULL,
	  "none", NULL, 1000, 604800000, "with --finish-direct: cancel batches"
	  " that are not done when so much time since their run began is nearly"
	  " over, and send the rest directly", NULL, NM_OPTION_UNIT },

	{ OPT_LOCAL, 0, "local", NM_OPTION_FLAG, NULL, NULL, NULL, NULL,
	  0, 0, "use the built-in server with its simulated model: no key,"
	  " no network, no cost, and scores that mean nothing", "Service",
	  0 },
	{ OPT_BASE_URL, 0, "base-url", NM_OPTION_TEXT, "URL", NULL,
	  "OPENAI_BASE_URL, else OpenAI's", NULL, 0, 0,
	  "base of another service with the same API", NULL, 0 },

	{ OPT_ESTIMATE, 0, "estimate", NM_OPTION_FLAG, NULL, NULL, NULL, NULL,
	  0, 0, "tell what it would send and cost, and send nothing; needs no"
	  " key and no network", "Money", 0 },
	{ OPT_MAX_COST, 0, "max-cost", NM_OPTION_TEXT, "USD", NULL,
	  "no limit", NULL, 0, 0, "send nothing that could bring the cost above"
	  " this, what is in flight counted at its highest", NULL, 0 },
	{ OPT_CANARY, 0, "canary", NM_OPTION_WHOLE, "N", NULL,
	  "1 in batch mode of more than 1,000 questions, else 0", NULL, 0,
	  1000, "ask the first N questions directly before the batch is"
	  " submitted, and stop if that goes wrong", NULL, 0 },
	{ OPT_YES, 'y', "yes", NM_OPTION_FLAG, NULL, NULL, NULL, NULL, 0, 0,
	  "do not ask before spending more than a dollar", NULL, 0 },
	{ OPT_PRICES, 0, "prices", NM_OPTION_TEXT, "FILE", NULL,
	  "the shipped one", NULL, 0, 0, "price table", NULL, 0 },

	{ OPT_RESULTS_DIR, 0, "results-dir", NM_OPTION_TEXT, "DIR",
	  "results", NULL, NULL, 0, 0, "where results are saved", "Output",
	  0 },
	{ OPT_JSON, 0, "json", NM_OPTION_FLAG, NULL, NULL, NULL, NULL, 0, 0,
	  "print one JSON object instead of text", NULL, 0 },
	{ OPT_QUIET, 'q', "quiet", NM_OPTION_FLAG, NULL, NULL, NULL, NULL,
	  0, 0, "no progress and no notes on stderr", NULL, 0 },
	{ 0 },
};

static const struct nm_option_clash clashes[] = {
	{ OPT_LIMIT, OPT_SAMPLE, "one takes the first, the other a choice" },
	{ OPT_DRY_RUN, OPT_BATCH_ID,
	  "one creates a batch, the other takes up one that exists" },
	{ OPT_SAMPLE, OPT_BATCH_ID, "the batch holds its questions already" },
	{ OPT_MODEL, OPT_BATCH_ID, "the batch was made with its own model" },
	{ OPT_MAX_OUTPUT_TOKENS, OPT_BATCH_ID,
	  "the batch was made with its own" },
	{ OPT_LOCAL, OPT_BASE_URL, "each names a service" },
	{ OPT_ESTIMATE, OPT_BATCH_ID,
	  "one tells of a batch to be, the other takes up one that exists" },
	{ OPT_ESTIMATE, OPT_DRY_RUN, "one sends nothing, the other a batch" },
	{ OPT_NEW, OPT_BATCH_ID,
	  "one creates a batch, the other takes up one that exists" },
	{ 0 },
};

static const struct nm_option_note exits[] = {
	{ "0", "all is done" },
	{ "1", "done, but rows failed for want of the service, or the batch"
	  " failed" },
	{ "2", "wrong or clashing options, no key, or --max-cost would be passed" },
	{ "3", "a dataset, prompt, price table or setting is wrong" },
	{ "4", "the service refused, knows no such id or cannot be reached" },
	{ "5", "this machine: disk, rights or the journal" },
	{ "130", "interrupted; the command that goes on was printed" },
	{ NULL, NULL },
};

static const struct nm_option_note environment[] = {
	{ "OPENAI_API_KEY", "the key; needed unless --local is given" },
	{ "OPENAI_BASE_URL", "base of another service with the same API" },
	{ "OPENAI_ORG_ID", "sent as OpenAI-Organization" },
	{ "OPENAI_PROJECT_ID", "sent as OpenAI-Project" },
	{ "OPENAI_MODEL", "the model, unless --model is given" },
	{ "HTTPS_PROXY, NO_PROXY", "as curl(1) has them" },
	{ "CURL_CA_BUNDLE, SSL_CERT_FILE", "certificates to trust" },
	{ "NIGHTMAIL_STATE", "folder of the journal and of --local's server" },
	{ "XDG_STATE_HOME", "where nightmail/ is that folder, without the above; "
	                    "~/.local/state when it is not set" },
	{ "NIGHTMAIL_DATA", "folder of prices.json and metaqa/sample.sha256" },
	{ "NIGHTMAIL_CLOCK", "fast=N: all waiting runs N times as fast" },
	{ "NO_COLOR", "no colours on the terminal" },
	{ "TZ", "the time zone that times are shown in" },
	{ NULL, NULL },
};

static const struct nm_option_note files[] = {
	{ ".env", "the OPENAI_ variables above, where the environment has them"
	          " not" },
	{ "results/variant0_llm_baseline_NAME_batch.json",
	  "the newest results of batch mode; without _batch, of direct mode" },
	{ "results/runs/", "the results and raw replies of every run" },
	{ "~/.local/state/nightmail/journal.db",
	  "what was sent and what came back" },
	{ NULL, NULL },
};

static const struct nm_option_note examples[] = {
	{ "--mode batch --limit 5 --dry-run",
	  "create a batch of five questions and see that it works" },
	{ "--mode batch --batch-id batch_abc123xyz",
	  "wait for that batch, score it and save the results" },
	{ "--mode batch --datasets 1-hop 2-hop --limit 10 --dry-run",
	  "one batch a dataset" },
	{ "--mode direct --limit 5", "answers at once" },
	{ "--local --mode batch --limit 5",
	  "the whole workflow on this machine, without a key" },
	{ NULL, NULL },
};

const struct nm_option_table nm_variant0_options = {
	.program = "variant0_llm_baseline",
	.purpose = "ask a language model film questions and score its answers",
	.synopsis = synopsis,
	.options = options,
	.clashes = clashes,
	.exits = exits,
	.environment = environment,
	.files = files,
	.examples = examples,
};
