/*
 * place: where a URL leads, as far as that decides what may be sent there.
 * For http; knows hosts and schemes, sends nothing.
 */
#ifndef NM_NET_PLACE_H
#define NM_NET_PLACE_H

#include "base/buf.h"

struct nm_http_place {
	bool https;
	bool loopback;
	char host[128];
};

/* NM_USAGE unless it is http or https, with a host, without user or password. */
enum nm_code nm_http_place_read(struct nm_http_place *place, const char *url,
                                struct nm_err *err) NM_MUST_USE;

/* Is the URL's host this machine (127.0.0.0/8, ::1, localhost)? */
bool nm_http_is_loopback(const char *url);

#endif
