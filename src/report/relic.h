/*
 * relic: results that another tool wrote at the path where ours are to stand. They may
 * have cost money: they are kept, not lost.
 */
#ifndef NM_REPORT_RELIC_H
#define NM_REPORT_RELIC_H

#include "base/file.h"

/*
 * Copies what stands at `known`, if nightmail did not write it, into the folder of
 * `beside`; *kept is that copy's path, or as it was. NM_IO when it cannot be read or
 * copied.
 */
enum nm_code nm_relic_keep(const char *known, const char *beside,
                           struct nm_buf *kept, struct nm_err *err)
	NM_MUST_USE;

#endif
