#include "server/origin.h"

#include "net/http.h"
#include "net/place.h"

/* A base that endpoints can be put behind. */
static enum nm_code
read_base(struct nm_origin *origin, const char *url, struct nm_err *err)
{
	struct nm_http_place place;
	size_t len = strlen(url);
	const char *host;
	enum nm_code rc;

	while (len && url[len - 1] == '/')
		len--;
	nm_buf_add(&origin->base, url, len);
	rc = nm_http_place_read(&place, nm_buf_string(&origin->base), err);
	if (!rc && strpbrk(url, "?#"))
		rc = nm_fail(err, NM_USAGE, 0, "the URL goes on behind its path");
	/* Not shown: it may hold a password. */
	if (rc)
		return nm_while(err, "reading --upstream, a base URL such as "
		                "http://127.0.0.1:8000/v1");
	/* Nor is its path ever, in which some gateways have a key. */
	host = strstr(url, "://");
	host = host ? host + 3 : url;
	nm_buf_add(&origin->where, url,
	           (size_t)(host - url) + strcspn(host, "/"));
	return NM_OK;
}

static enum nm_code
read_key(struct nm_origin *origin, const char *variable,
         struct nm_err *err)
{
	const char *key = variable ? getenv(variable) : NULL;
	enum nm_code rc;

	if (!key || !*key)
		return NM_OK;
	rc = nm_secret_set(&origin->key, nm_text_of(key), err);
	if (!rc && strncasecmp(nm_buf_string(&origin->base), "http://", 7) == 0 &&
	    !nm_http_is_loopback(nm_buf_string(&origin->base)))
		rc = nm_fail(err, NM_USAGE, 0, "the upstream's key (%s) is not "
			"sent over plain http to another machine: use https, or "
			"unset it", variable);
	return rc;
}

enum nm_code
nm_origin_open(struct nm_origin *origin, const char *url, const char *variable,
               struct nm_err *err)
{
	enum nm_code rc = read_base(origin, url, err);

	return rc ? rc : read_key(origin, variable, err);
}

void
nm_origin_release(struct nm_origin *origin)
{
	nm_secret_release(&origin->key);
	nm_buf_release(&origin->where);
	nm_buf_release(&origin->base);
}
