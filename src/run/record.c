/*
 * record: see the header.
 */
#include "run/record.h"

static const char *
keep(struct nm_run *run, const char *text)
{
	return nm_arena_string(&run->arena, text ? text : "");
}

/* Joins with a byte that stands in none of them, so that no two runs meet. */
static const char *
make_key(struct nm_run *run, const struct nm_run_wish *wish,
         const struct nm_buf *account)
{
	const char *const texts[] = {
		wish->mode, wish->name, wish->model, wish->endpoint,
		wish->identity, run->source->digest,
		nm_buf_string(account),
	};
	struct nm_digest digest;
	char hex[NM_DIGEST_HEX_MAX];
	size_t i;

	nm_digest_init(&digest, NM_SHA256);
	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		nm_digest_add(&digest, texts[i], strlen(texts[i]) + 1);
	nm_digest_finish(&digest, hex);
	return keep(run, hex);
}

static int
is_known(struct nm_run *run, const char *key)
{
	struct nm_run_record ignored;
	struct nm_err trouble;
	enum nm_code rc = nm_runs_find_open(run->journal, key, &run->arena,
	                                    &ignored, &trouble);

	if (rc == NM_ABSENT)
		rc = nm_runs_find_done(run->journal, key, &run->arena,
		                       &ignored, &trouble);
	return !rc;
}

const char *
nm_record_key(struct nm_run *run, const struct nm_run_wish *wish)
{
	const struct nm_account *account = run->api->account;
	const char *key = make_key(run, wish, &account->identity);
	const char *older;

	if (!account->as_typed.len || is_known(run, key))
		return key;
	older = make_key(run, wish, &account->as_typed);
	return is_known(run, older) ? older : key;
}

void
nm_record_make(struct nm_run *run, const struct nm_run_wish *wish)
{
	char id[NM_RUN_ID_DIGITS + 1];

	nm_digest_random_hex(id, NM_RUN_ID_DIGITS);
	run->record = (struct nm_run_record){
		.id = keep(run, id),
		.key = nm_record_key(run, wish),
		.mode = keep(run, wish->mode),
		.state = NM_RUN_OPEN,
		.created_ms = nm_clock_wall_ms(run->clock),
		.name = keep(run, wish->name),
		.model = keep(run, wish->model),
		.endpoint = keep(run, wish->endpoint),
		.account = keep(run,
			nm_buf_string(&run->api->account->identity)),
		.requests = run->source->count,
		.spec = keep(run, wish->spec),
		.results_path = "",
	};
	run->record.updated_ms = run->record.created_ms;
}
