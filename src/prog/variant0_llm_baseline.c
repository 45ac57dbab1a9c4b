/*
 * variant0_llm_baseline: asks a language model the questions of one or more
 * datasets, at once or by batch, scores the answers and saves the results.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/path.h"
#include "prog/descriptors.h"
#include "prog/signals.h"
#include "prog/variant0.h"
#include "prog/variant0_wish.h"
#include "remote/account.h"
#include "task/money.h"
#include "task/watcher.h"

/* The working folder's own, else the sample that is installed. */
static void
find_data(struct nm_variant0 *p)
{
	struct nm_err none;

	if (access("data/metaqa", X_OK) == 0 ||
	    nm_path_data(&p->data_dir, "metaqa", &none)) {
		nm_buf_clear(&p->data_dir);
		nm_buf_add_string(&p->data_dir, "data/metaqa");
	}
}

/* .env is read for it where no option names one: what is there may be wrong. */
static enum nm_code
find_model(struct nm_variant0 *p, struct nm_err *err)
{
	enum nm_code rc = NM_OK;

	if (!nm_options_given(&p->options, OPT_MODEL))
		rc = nm_account_read_model(&p->model, NULL, err);
	if (!rc && !p->model.len)
		nm_buf_add_string(&p->model, "gpt-5-mini");
	return rc;
}

static void
fill_tools(struct nm_variant0 *p, const char *typed)
{
	const struct nm_options *options = &p->options;

	nm_watcher_init(&p->watch, &p->message);
	nm_variant0_carry(options, &p->carried);
	p->tools = (struct nm_task_tools){
		.service = &p->service,
		.journal = p->journal,
		.message = &p->message,
		.watch = &p->watch,
		.prices = &p->prices,
		.results_dir = nm_options_text(options, OPT_RESULTS_DIR),
		.mode = nm_options_text(options, OPT_MODE),
		.typed = typed,
		.carried = nm_buf_string(&p->carried),
		.reading = nm_options_given(options, OPT_LENIENT)
			? NM_READING_LENIENT : NM_READING_STRICT,
		.take = nm_options_given(options, OPT_NEW)
			? NM_RUN_AFRESH : NM_RUN_TAKE_UP,
		.tail = nm_options_given(options, OPT_FINISH_DIRECT)
			? NM_TAIL_DIRECT : NM_TAIL_BATCH,
		.budget = &p->budget,
		.pay = nm_options_given(options, OPT_YES) ? NM_PAY_AGREED
		                                          : NM_PAY_ASK,
		.began_mono_ms = nm_clock_mono_ms(&p->service.clock),
	};
	nm_variant0_settings(options, &p->tools.settings);
}

static enum nm_code
open_service(struct nm_variant0 *p, struct nm_err *err)
{
	struct nm_service_wish wish = {
		.kind = nm_options_given(&p->options, OPT_LOCAL)
			? NM_SERVICE_LOCAL : NM_SERVICE_REMOTE,
		.base_url = nm_options_text(&p->options, OPT_BASE_URL),
		.stop = nm_signals_stop_flag(),
	};
	enum nm_code rc = nm_service_open(&p->service, &wish, err);

	p->service_open = !rc;
	return rc;
}

static enum nm_code
open_journal(struct nm_variant0 *p, struct nm_err *err)
{
	struct nm_buf folder = { 0 };
	enum nm_code rc = nm_path_state(&folder, err);

	if (!rc)
		rc = nm_journal_open(nm_buf_string(&folder), &p->journal, err);
	nm_buf_release(&folder);
	return rc;
}

static enum nm_code
reach_out(struct nm_variant0 *p, struct nm_err *err)
{
	enum nm_code rc = NM_OK;

	if (!nm_options_given(&p->options, OPT_DRY_RUN))
		rc = nm_results_probe(nm_options_text(&p->options,
		                      OPT_RESULTS_DIR), err);
	if (!rc)
		rc = open_service(p, err);
	return rc ? rc : open_journal(p, err);
}

static enum nm_code
set_up(struct nm_variant0 *p, const char *typed, struct nm_err *err)
{
	enum nm_code rc = nm_variant0_check(&p->options, err);

	if (!rc)
		rc = nm_prices_open(&p->prices,
		                    nm_options_text(&p->options, OPT_PRICES),
		                    err);
	if (!rc)
		rc = nm_budget_read(&p->budget, nm_options_text(&p->options,
		                    OPT_MAX_COST), err);
	if (!rc)
		rc = find_model(p, err);
	if (!rc && !nm_options_given(&p->options, OPT_ESTIMATE))
		rc = reach_out(p, err);
	if (rc)
		return rc;
	find_data(p);
	fill_tools(p, typed);
	nm_progress_open(&p->progress, &p->message, &p->service.clock, 0);
	return NM_OK;
}

static enum nm_code
estimate(struct nm_variant0 *p, struct nm_err *err)
{
	struct nm_buf text = { 0 };
	enum nm_code rc = nm_variant0_read(p, err);

	if (!rc)
		rc = nm_money_estimate(p->tasks, p->n_tasks, &p->tools.settings,
			nm_options_given(&p->options, OPT_JSON)
			? NM_MONEY_JSON : NM_MONEY_TEXT, &text, err);
	if (!rc)
		nm_variant0_print(&text);
	nm_buf_release(&text);
	return rc;
}

static enum nm_code
work(struct nm_variant0 *p, struct nm_err *err)
{
	enum nm_code rc;

	if (nm_options_given(&p->options, OPT_ESTIMATE))
		return estimate(p, err);
	rc = nm_variant0_begin(p, err);
	if (nm_options_given(&p->options, OPT_DRY_RUN) &&
	    rc != NM_INTERRUPTED)
		return nm_variant0_end_dry_run(p, rc, err);
	if (rc == NM_INTERRUPTED || (rc && nm_variant0_created(p)))
		nm_variant0_tell_what_goes_on(p);
	return rc ? rc : nm_variant0_finish(p, err);
}

static void
tear_down(struct nm_variant0 *p)
{
	size_t i;

	for (i = 0; i < p->n_tasks; i++)
		nm_task_release(&p->tasks[i]);
	nm_progress_close(&p->progress);
	nm_journal_close(p->journal);
	if (p->service_open)
		nm_service_close(&p->service);
	nm_prices_close(&p->prices);
	nm_buf_release(&p->data_dir);
	nm_buf_release(&p->model);
	nm_buf_release(&p->carried);
	nm_options_release(&p->options);
}

int
main(int argc, char **argv)
{
	struct nm_variant0 *p = calloc(1, sizeof(*p));
	struct nm_err err = { 0 };
	enum nm_code rc;
	int status;

	if (!p)
		nm_die("out of memory");
	nm_message_init(&p->message, "variant0_llm_baseline");
	rc = nm_options_read(&p->options, &nm_variant0_options, argc, argv,
	                     &err);
	if (!rc && !p->options.answered) {
		if (nm_options_given(&p->options, OPT_QUIET))
			p->message.level = NM_MESSAGE_QUIET;
		nm_signals_init();
		nm_descriptors_raise();
		rc = set_up(p, argv[0], &err);
		if (!rc)
			rc = work(p, &err);
	}
	nm_progress_clear(&p->progress);
	status = rc && rc != NM_INTERRUPTED
		? nm_message_error(&p->message, &err)
		: nm_code_exit_status(rc ? rc : p->worst);
	tear_down(p);
	status = nm_message_close_stdout(&p->message, status);
	free(p);
	return status;
}
