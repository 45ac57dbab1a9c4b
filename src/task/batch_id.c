/*
 * batch_id: see the header.
 */
#include "task/batch_id.h"

#include <string.h>

#include "state/runs.h"

enum nm_code
nm_batch_id_check(const char *id, const char *option, struct nm_err *err)
{
	size_t i;

	for (i = 0; id[i]; i++)
		if (id[i] <= ' ' || id[i] > '~' || strchr("/?#%", id[i]))
			break;
	if (id[i] || !i || !strcmp(id, ".") || !strcmp(id, ".."))
		return nm_fail(err, NM_USAGE, 0,
			"%s: '%.80s' is no batch id: ids such as batch_abc123"
			" are shown by batch_manager --list", option, id);
	if (i > NM_BATCH_ID_MAX_BYTES)
		return nm_fail(err, NM_USAGE, 0,
			"%s: a batch id has at most %d characters, this one"
			" %zu: ids are shown by batch_manager --list", option,
			NM_BATCH_ID_MAX_BYTES, i);
	return NM_OK;
}

int
nm_batch_id_is_run(const char *id)
{
	return strlen(id) == NM_RUN_ID_DIGITS &&
	       strspn(id, "0123456789abcdef") == NM_RUN_ID_DIGITS;
}
