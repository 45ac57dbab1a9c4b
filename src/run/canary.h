/*
 * canary: the first requests of a batch run, asked directly before the rest is
 * submitted: a refused model or parameter, a cut or unreadable answer is found out
 * in a second and not after a day. Their answers are rows of the run.
 * Must not know what the rest will cost, or whether it is sent.
 */
#ifndef NM_RUN_CANARY_H
#define NM_RUN_CANARY_H

#include "eval/row.h"
#include "run/via_direct.h"

struct nm_canary_wish {
	enum nm_reading               reading;
	const struct nm_direct_purse *purse; /* NULL = nobody asks */
};

struct nm_canary {
	int64_t asked;
	int64_t answered;      /* of these: by the model */
	int64_t output_tokens; /* of a reply, the mean; 0 = untold */
};

/* In the settings, before a run has them: as many as is usual. */
enum { NM_CANARY_USUAL = -1 };

/* How many of so many requests go ahead of the batch by this wish: as many as there
 * are at most; usually one of more than 1,000, which tells whether all would be
 * refused alike. */
int64_t nm_canary_wished(int64_t wish, int64_t requests);

/* How many requests of a batch run are not in its shards; 0 for other runs, and where
 * only later attempts of one made elsewhere are known. */
int64_t nm_canary_size(const struct nm_run *run);

/*
 * Asks what has no answer yet and looks at all of them; once a batch was sent, or by a
 * wish for no canary, they are only counted. What the service failed is forgotten, for
 * a later process to ask again; the model's answers stay, and are looked at again.
 * *canary is set as far as it came, also on an error.
 * NM_REFUSED     the service refused one: its model, a parameter, the key
 * NM_UNFINISHED  the model's answer was cut or cannot be read
 * else           as nm_via_direct
 */
enum nm_code nm_canary_ask(struct nm_run *run,
                           const struct nm_canary_wish *wish,
                           struct nm_canary *canary, struct nm_err *err)
	NM_MUST_USE;

#endif
