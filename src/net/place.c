/*
 * place: see place.h.
 */
#include "net/place.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include <curl/curl.h>

static bool
is_loopback(const char *host)
{
	unsigned char v4[4], v6[16];
	static const unsigned char one[16] = { [15] = 1 };

	if (strcasecmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, v4) == 1)
		return v4[0] == 127;
	if (inet_pton(AF_INET6, host, v6) == 1)
		return memcmp(v6, one, sizeof(one)) == 0;
	return false;
}

/* curl writes IPv6 hosts in brackets. */
static void
unbracket(char *out, size_t size, const char *host)
{
	size_t len = strlen(host);

	if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
		host++;
		len -= 2;
	}
	snprintf(out, size, "%.*s", (int)len, host);
}

static enum nm_code
read_parts(struct nm_http_place *place, CURLU *parts, struct nm_err *err)
{
	char *scheme = NULL, *host = NULL, *user = NULL;
	enum nm_code rc = NM_OK;

	if (curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) ||
	    curl_url_get(parts, CURLUPART_HOST, &host, 0)) {
		rc = nm_fail(err, NM_USAGE, 0, "the URL has no host");
		goto done;
	}
	place->https = strcmp(scheme, "https") == 0;
	if (!place->https && strcmp(scheme, "http") != 0) {
		rc = nm_fail(err, NM_USAGE, 0,
		             "the URL is neither http nor https");
		goto done;
	}
	if (curl_url_get(parts, CURLUPART_USER, &user, 0) == CURLUE_OK) {
		rc = nm_fail(err, NM_USAGE, 0,
		             "the URL holds a user name: use the key alone");
		goto done;
	}
	unbracket(place->host, sizeof(place->host), host);
	place->loopback = is_loopback(place->host);
done:
	curl_free(user);
	curl_free(host);
	curl_free(scheme);
	return rc;
}

enum nm_code
nm_http_place_read(struct nm_http_place *place, const char *url,
                   struct nm_err *err)
{
	struct nm_http_place found = {0};
	CURLU *parts = curl_url();
	enum nm_code rc;

	if (!parts)
		nm_die("memory is exhausted");
	if (!url || curl_url_set(parts, CURLUPART_URL, url,
	                         CURLU_NON_SUPPORT_SCHEME))
		rc = nm_fail(err, NM_USAGE, 0, "the URL cannot be read");
	else
		rc = read_parts(&found, parts, err);
	curl_url_cleanup(parts);
	if (!rc)
		*place = found;
	return rc;
}

bool
nm_http_is_loopback(const char *url)
{
	struct nm_http_place place;

	return !nm_http_place_read(&place, url, NULL) && place.loopback;
}
