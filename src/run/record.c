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
         const char *identity, const struct nm_buf *account)
{
	const char *const texts[] = {
		wish->mode, wish->name, wish->model, wish->endpoint,
		identity, run->source->digest, nm_buf_string(account),
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

/* Every form in which a journal may have it, today's first. */
const char *
nm_record_key(struct nm_run *run, const struct nm_run_wish *wish)
{
	const struct nm_account *account = run->api->account;
	const char *const identities[] = { wish->identity, wish->older_identity };
	const struct nm_buf *const accounts[] = { &account->identity,
	                                          &account->as_typed };
	const char *todays = NULL, *key;
	size_t i, k;

	for (i = 0; i < 2; i++) {
		for (k = 0; identities[i] && k < 2; k++) {
			if (!accounts[k]->len)
				continue;
			key = make_key(run, wish, identities[i], accounts[k]);
			if (!todays)
				todays = key;
			if (is_known(run, key))
				return key;
		}
	}
	return todays;
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
