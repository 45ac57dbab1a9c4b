/*
 * prospect: see the header.
 */
#include "prog/prospect.h"

#include "base/map.h"
#include "base/path.h"
#include "prog/dispatch.h"
#include "run/plan.h"
#include "task/budget.h"
#include "task/postage.h"

/* What is looked at in all files of the call, before the first is sent. */
struct prospect {
	const struct nm_run_settings *settings; /* NULL = of a single file, which
	                                           is planned soon enough */
	const struct nm_prices       *prices;
	const struct nm_run_tools    *tools; /* NULL = what is under way may be
	                                        sent again */
	struct nm_map                 seen;  /* digest -> which path */
	struct nm_budget              budget;
	int64_t                       since_ms;
};

static enum nm_code
look_at_lines(const struct prospect *prospect, struct nm_source *source,
              struct nm_err *err)
{
	struct nm_plan plan = { 0 };
	enum nm_code rc = nm_plan_measure(&plan, source, prospect->settings,
	                                  err);

	nm_plan_release(&plan);
	return rc;
}

static enum nm_code
take_on(struct prospect *prospect, struct nm_source *source, const char *model,
        const char *path, struct nm_err *err)
{
	struct nm_estimate_cost cost;
	struct nm_estimate estimate;
	enum nm_code rc = nm_postage_count(source, model, prospect->prices,
	                                   &estimate, err);

	if (rc)
		return rc;
	cost = nm_estimate_cost(&estimate, NM_PRICE_BATCH);
	rc = nm_budget_take(&prospect->budget, &cost, model, err);
	if (rc && nm_budget_is_short(&prospect->budget, &cost))
		nm_while(err, "a reply counts as the bound that its request"
		         " states, else as %d tokens", NM_BOUND_UNSEEN_TOKENS);
	return rc && prospect->settings ? nm_while(err, "adding %s", path)
	                                : rc;
}

/* By one name --new would begin its run twice, and give the first of them up. */
static enum nm_code
look_for_twice(struct prospect *prospect, const struct nm_prospect_file *files,
               size_t which, struct nm_err *err)
{
	uint32_t first = (uint32_t)which;
	struct nm_buf key = { 0 };
	int known;

	nm_buf_addf(&key, "%s %s", files[which].digest,
	            nm_path_base(files[which].path));
	known = nm_map_add(&prospect->seen, nm_buf_text(&key), &first);
	nm_buf_release(&key);
	return known == NM_MAP_NEW ? NM_OK
		: nm_fail(err, NM_USAGE, 0, "%s holds the same requests as %s, "
		          "and has its name: leave one of them out",
		          files[which].path, files[first].path);
}

/* The same by another name would be refused when the first is sent. */
static enum nm_code
look_for_same(struct prospect *prospect, struct nm_request_file *file,
              const struct nm_prospect_file *files, size_t which,
              struct nm_err *err)
{
	const char *path = files[which].path;
	uint32_t first = (uint32_t)which;

	if (!prospect->tools)
		return look_for_twice(prospect, files, which, err);
	if (nm_map_add(&prospect->seen, nm_text_of(files[which].digest),
	               &first) == NM_MAP_KNOWN &&
	    strcmp(nm_path_base(files[first].path), nm_path_base(path)) != 0)
		return nm_fail(err, NM_USAGE, 0, "%s holds the same requests as "
		               "%s: leave one of them out, or send both by --new",
		               path, files[first].path);
	return prospect->tools->journal
		? nm_parcel_check(prospect->tools, file, path, err)
		: NM_OK;
}

static enum nm_code
find_begun(struct prospect *prospect, struct nm_request_file *file,
           const char *path, struct nm_err *err)
{
	int64_t began_ms;
	enum nm_code rc;

	if (!prospect->tools || !prospect->tools->journal)
		return NM_OK;
	rc = nm_parcel_find_begun(prospect->tools, file, path, &began_ms, err);
	if (!rc && (!prospect->since_ms || began_ms < prospect->since_ms))
		prospect->since_ms = began_ms;
	return rc == NM_ABSENT ? NM_OK : rc;
}

static enum nm_code
look_at(struct prospect *prospect, struct nm_prospect_file *files,
        size_t which, struct nm_err *err)
{
	struct nm_request_file *file;
	struct nm_source *source;
	const char *path = files[which].path;
	enum nm_code rc = nm_request_file_open(&file, path, err);

	if (rc)
		return rc;
	source = nm_request_file_source(file);
	memcpy(files[which].digest, source->digest, sizeof(source->digest));
	rc = look_for_same(prospect, file, files, which, err);
	if (!rc)
		rc = find_begun(prospect, file, path, err);
	if (!rc && prospect->settings)
		rc = look_at_lines(prospect, source, err);
	if (!rc && prospect->budget.max_pusd)
		rc = take_on(prospect, source,
		             nm_request_file_facts(file)->model, path, err);
	nm_request_file_close(file);
	return rc;
}

/* A faulty file, too dear a one, or one that is under way keeps the others back too. */
enum nm_code
nm_prospect_look(struct nm_manager *manager, struct nm_prospect_file *files,
                 size_t n, int64_t *since_ms, struct nm_err *err)
{
	const struct nm_options *options = &manager->options;
	struct nm_prices prices = { 0 };
	struct nm_dispatch d;
	struct prospect prospect = { .prices = &prices };
	enum nm_code rc;
	size_t i;

	nm_dispatch_init(&d, manager);
	if (n > 1)
		prospect.settings = &d.settings;
	if (!nm_options_given(options, MANAGER_NEW))
		prospect.tools = &d.tools;
	rc = nm_budget_read(&prospect.budget,
	                    nm_options_text(options, MANAGER_MAX_COST), err);
	/* The built-in server takes no money. */
	if (manager->service.server)
		prospect.budget.max_pusd = 0;
	if (rc || (n == 1 && !prospect.budget.max_pusd))
		goto done;
	rc = nm_manager_find_journal(manager, err);
	if (rc && rc != NM_ABSENT)
		goto done;
	d.tools.journal = manager->journal;
	rc = nm_prices_open(&prices, nm_options_text(options, MANAGER_PRICES),
	                    err);
	for (i = 0; !rc && i < n; i++)
		rc = look_at(&prospect, files, i, err);
	/* One alone is done or is not. */
	if (!rc && n > 1)
		*since_ms = prospect.since_ms;
done:
	nm_prices_close(&prices);
	nm_map_release(&prospect.seen);
	nm_dispatch_release(&d);
	return rc;
}
