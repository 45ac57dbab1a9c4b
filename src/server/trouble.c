#include "server/trouble.h"

#include <stdbool.h>
#include <time.h>

/* From here on it is of this kind; words are for who is told. */
static void
turn(struct nm_trouble *trouble, enum nm_trouble_kind kind, const char *words)
{
	_Atomic int64_t *since_s = trouble->metrics->trouble_since_s;

	if (trouble->told != NM_TROUBLE_NONE)
		atomic_store(&since_s[trouble->told], 0);
	if (kind != NM_TROUBLE_NONE)
		atomic_store(&since_s[kind], (int64_t)time(NULL));
	trouble->told = kind;
	if (trouble->options->tell)
		trouble->options->tell(trouble->options->tell_user, words);
}

void
nm_trouble_note(struct nm_trouble *trouble, enum nm_trouble_kind kind,
                int64_t now_ms, const char *words)
{
	/* Two that take turns are told once each, not at every turn. */
	bool news = !(trouble->known & 1u << kind) ||
		(trouble->told != kind &&
		 now_ms - trouble->told_ms >= NM_TROUBLE_CALM_MS);

	trouble->bad_ms = now_ms;
	if (news) {
		trouble->known |= 1u << kind;
		turn(trouble, kind, words);
	}
	if (trouble->told == kind)
		trouble->told_ms = now_ms;
}

void
nm_trouble_well(struct nm_trouble *trouble, int64_t now_ms)
{
	trouble->well_ms = now_ms;
}

void
nm_trouble_look(struct nm_trouble *trouble, int64_t now_ms, const char *words)
{
	if (!trouble->known || trouble->well_ms < trouble->bad_ms ||
	    now_ms - trouble->bad_ms < NM_TROUBLE_CALM_MS)
		return;
	trouble->known = 0;
	turn(trouble, NM_TROUBLE_NONE, words);
}
