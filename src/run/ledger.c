/*
 * ledger: see the header.
 */
#include "run/ledger.h"

enum {
	EXAMPLE_MAX_BYTES = 160,
	ROOM = NM_LEDGER_REASONS_MAX + NM_N_CLASSES
};

static struct nm_reason *
find_reason(struct nm_ledger *ledger, enum nm_class class, int status,
            struct nm_text code)
{
	size_t i;

	for (i = 0; i < ledger->n_reasons; i++) {
		struct nm_reason *reason = &ledger->reasons[i];

		if (reason->class == class && reason->status == status &&
		    nm_text_equal(code, reason->code))
			return reason;
	}
	return NULL;
}

static const char *
line_of(struct nm_arena *arena, struct nm_text message)
{
	struct nm_text cut = message;
	struct nm_text kept;
	char *at;

	if (cut.len > EXAMPLE_MAX_BYTES)
		cut.len = nm_json_utf8_valid(cut.at, EXAMPLE_MAX_BYTES);
	kept = nm_arena_text(arena, cut);
	for (at = (char *)kept.at; at < kept.at + kept.len; at++)
		if ((unsigned char)*at < ' ')
			*at = ' ';
	return kept.at;
}

/* Past the ceiling rows are told by their class alone, for which there is room. */
static struct nm_reason *
new_reason(struct nm_ledger *ledger, enum nm_class class, int status,
           struct nm_text code, struct nm_text message)
{
	static const struct nm_text none = { "", 0 };
	struct nm_reason *reason;

	if (!ledger->reasons)
		ledger->reasons = nm_arena_array(&ledger->arena, ROOM,
		                                 sizeof(*ledger->reasons));
	if (ledger->n_reasons >= NM_LEDGER_REASONS_MAX) {
		reason = find_reason(ledger, class, 0, none);
		if (reason)
			return reason;
		status = 0;
		code = none;
	}
	reason = &ledger->reasons[ledger->n_reasons++];
	reason->class = class;
	reason->status = status;
	reason->code = nm_arena_text(&ledger->arena, code);
	reason->example = line_of(&ledger->arena, message);
	return reason;
}

void
nm_ledger_add(struct nm_ledger *ledger, const struct nm_row *row)
{
	struct nm_reason *reason;

	ledger->asked++;
	ledger->by_class[row->class]++;
	if (row->class == NM_CLASS_ANSWERED)
		return;
	reason = find_reason(ledger, row->class, row->status_code,
	                     row->error_code);
	if (!reason)
		reason = new_reason(ledger, row->class, row->status_code,
		                    row->error_code, row->error_message);
	reason->count++;
}

static void
join_reason(struct nm_ledger *ledger, const struct nm_reason *other)
{
	struct nm_reason *reason = find_reason(ledger, other->class,
	                                       other->status, other->code);

	if (!reason)
		reason = new_reason(ledger, other->class, other->status,
		                    other->code, nm_text_of(other->example));
	reason->count += other->count;
}

void
nm_ledger_join(struct nm_ledger *ledger, const struct nm_ledger *other)
{
	size_t i;

	ledger->asked += other->asked;
	ledger->unknown += other->unknown;
	ledger->duplicate += other->duplicate;
	ledger->malformed += other->malformed;
	for (i = 0; i < NM_N_CLASSES; i++)
		ledger->by_class[i] += other->by_class[i];
	for (i = 0; i < other->n_reasons; i++)
		join_reason(ledger, &other->reasons[i]);
}

static int
compare_codes(struct nm_text x, struct nm_text y)
{
	int difference = memcmp(x.at, y.at, x.len < y.len ? x.len : y.len);

	return difference ? difference : (x.len > y.len) - (x.len < y.len);
}

static int
compare(const void *a, const void *b)
{
	const struct nm_reason *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	if (x->class != y->class)
		return x->class < y->class ? -1 : 1;
	if (x->status != y->status)
		return x->status < y->status ? -1 : 1;
	return compare_codes(x->code, y->code);
}

void
nm_ledger_sort(struct nm_ledger *ledger)
{
	if (ledger->n_reasons)
		qsort(ledger->reasons, ledger->n_reasons,
		      sizeof(*ledger->reasons), compare);
}

uint64_t
nm_ledger_instrument_failures(const struct nm_ledger *ledger)
{
	uint64_t sum = 0;
	int class;

	for (class = 0; class < NM_N_CLASSES; class++)
		if (nm_class_is_instrument((enum nm_class)class))
			sum += ledger->by_class[class];
	return sum;
}

void
nm_ledger_release(struct nm_ledger *ledger)
{
	nm_arena_release(&ledger->arena);
	memset(ledger, 0, sizeof(*ledger));
}
