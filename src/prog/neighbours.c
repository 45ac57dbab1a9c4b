/*
 * neighbours: see the header.
 */
#include "prog/neighbours.h"

enum { PLACES_TOLD = 3 };

static void
add_place(struct nm_buf *out, const struct nm_account *account,
          const char *identity)
{
	int len = (int)strcspn(identity, " ");

	if (strcmp(identity, "local") == 0)
		nm_buf_add_string(out, "the built-in server (by --local)\n");
	else if (nm_account_neighbours(account, identity))
		nm_buf_addf(out, "%.*s (by another key, organization or"
		            " project)\n", len, identity);
	else
		nm_buf_addf(out, "%.*s (by OPENAI_BASE_URL)\n", len, identity);
}

void
nm_neighbours_add(struct nm_neighbours *neighbours,
                  const struct nm_account *account, const char *identity)
{
	struct nm_buf place = {0};

	neighbours->runs++;
	add_place(&place, account, identity);
	if (!strstr(nm_buf_string(&neighbours->places),
	            nm_buf_string(&place))) {
		neighbours->n_places++;
		nm_buf_add_text(&neighbours->places, nm_buf_text(&place));
	}
	nm_buf_release(&place);
}

/* The first places, on one line. */
static void
add_list(const struct nm_neighbours *neighbours, struct nm_buf *out)
{
	const char *at = nm_buf_string(&neighbours->places), *end;
	size_t i;

	for (i = 0; i < PLACES_TOLD && (end = strchr(at, '\n')); i++) {
		nm_buf_addf(out, "%s%.*s", i ? ", " : "", (int)(end - at), at);
		at = end + 1;
	}
	if (neighbours->n_places > i)
		nm_buf_add_string(out, ", and others (--runs shows them)");
}

void
nm_neighbours_tell(const struct nm_neighbours *neighbours,
                   struct nm_message *message)
{
	struct nm_buf list = {0};

	if (!neighbours->runs)
		return;
	add_list(neighbours, &list);
	nm_message_note(message, "%zu finished run%s of this machine belong%s to"
	                " %s: %s", neighbours->runs,
	                neighbours->runs == 1 ? "" : "s",
	                neighbours->runs == 1 ? "s" : "",
	                neighbours->n_places == 1 ? "another account"
	                                          : "other accounts",
	                nm_buf_string(&list));
	nm_buf_release(&list);
}

void
nm_neighbours_release(struct nm_neighbours *neighbours)
{
	nm_buf_release(&neighbours->places);
}
