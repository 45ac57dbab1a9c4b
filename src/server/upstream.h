/*
 * upstream: a real model behind the server, by an OpenAI-compatible base URL;
 * bounded concurrency and the one retry policy.
 */
#ifndef NM_SERVER_UPSTREAM_H
#define NM_SERVER_UPSTREAM_H

#include "server/call.h"

struct nm_upstream;

/* By parts->options (upstream, upstream_key_env, concurrency). */
enum nm_code nm_upstream_open(const struct nm_parts *parts,
                              struct nm_upstream **upstream,
                              struct nm_err *err) NM_MUST_USE;
void nm_upstream_close(struct nm_upstream *upstream);

#endif
