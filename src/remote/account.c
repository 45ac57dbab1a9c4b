/*
 * account: see account.h.
 */
#include "remote/account.h"

#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "base/file.h"
#include "remote/base_url.h"
#include "remote/dotenv.h"

enum { URL_MAX_BYTES = 2048, NAME_MAX_BYTES = 256 };

static const char *const names[] = {
	"OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID",
	"OPENAI_PROJECT_ID", "OPENAI_MODEL"
};
enum { KEY, BASE_URL, ORGANIZATION, PROJECT, MODEL, N_NAMES };

struct settings {
	struct nm_buf values[N_NAMES];
};

static void
release_settings(struct settings *settings)
{
	for (int i = 0; i < N_NAMES; i++) {
		if (settings->values[i].at)
			explicit_bzero(settings->values[i].at,
			               settings->values[i].cap);
		nm_buf_release(&settings->values[i]);
	}
}

static struct nm_text
trim(struct nm_text text)
{
	while (text.len > 0 && strchr(" \t\r\n", text.at[0])) {
		text.at++;
		text.len--;
	}
	while (text.len > 0 && strchr(" \t\r\n", text.at[text.len - 1]))
		text.len--;
	return text;
}

static enum nm_code
read_dotenv(struct settings *settings, const char *path, struct nm_err *err)
{
	struct nm_buf text = { .max = NM_ACCOUNT_DOTENV_MAX_BYTES };
	struct nm_dotenv dotenv;
	struct nm_text name, value;
	enum nm_code rc;

	if (!*path || access(path, F_OK) != 0)
		return NM_OK;
	rc = nm_file_read(path, &text, err);
	if (rc)
		goto done;
	nm_dotenv_init(&dotenv, path, nm_buf_text(&text));
	while (!(rc = nm_dotenv_next(&dotenv, &name, &value, err)) && name.at)
		for (int i = 0; i < N_NAMES; i++)
			if (nm_text_is(name, names[i])) {
				nm_buf_clear(&settings->values[i]);
				nm_buf_add_text(&settings->values[i],
				                trim(value));
			}
	nm_dotenv_release(&dotenv);
done:
	if (text.at)
		explicit_bzero(text.at, text.cap);
	nm_buf_release(&text);
	return rc;
}

static void
read_environment(struct settings *settings)
{
	for (int i = 0; i < N_NAMES; i++) {
		struct nm_text value = trim(nm_text_of(getenv(names[i])));

		if (value.len == 0)
			continue;
		nm_buf_clear(&settings->values[i]);
		nm_buf_add_text(&settings->values[i], value);
	}
}

static bool
is_visible(struct nm_text text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] < 0x21 || text.at[i] > 0x7e)
			return false;
	return true;
}

/* What follows the scheme, or {NULL, 0}. */
static struct nm_text
after_scheme(struct nm_text url)
{
	static const char *const schemes[] = { "https://", "http://" };

	for (int i = 0; i < 2; i++) {
		size_t len = strlen(schemes[i]);

		if (url.len > len && strncasecmp(url.at, schemes[i], len) == 0)
			return (struct nm_text){ url.at + len, url.len - len };
	}
	return (struct nm_text){0};
}

enum nm_code
nm_account_read_url(struct nm_buf *out, const char *text, struct nm_err *err)
{
	struct nm_text url = trim(nm_text_of(text)), rest;
	const char *slash;

	/* The URL is not repeated in these texts: it might hold a password. */
	if (url.len > URL_MAX_BYTES || !is_visible(url))
		return nm_fail(err, NM_USAGE, 0, "the base URL is too long or "
		               "holds a space or another byte that no URL has");
	rest = after_scheme(url);
	if (!rest.at || strchr("/:?#", rest.at[0]))
		return nm_fail(err, NM_USAGE, 0, "the base URL must begin with "
		               "https:// (or http:// for this machine) and a "
		               "host");
	if (memchr(rest.at, '@', rest.len))
		return nm_fail(err, NM_USAGE, 0, "the base URL holds a user "
		               "name or password: use OPENAI_API_KEY alone");
	if (memchr(rest.at, '?', rest.len) || memchr(rest.at, '#', rest.len))
		return nm_fail(err, NM_USAGE, 0,
		               "the base URL holds a query or a fragment");
	while (url.len > 0 && url.at[url.len - 1] == '/') {
		url.len--;
		rest.len--;
	}
	slash = memchr(rest.at, '/', rest.len);
	if (!slash)
		return nm_fail(err, NM_USAGE, 0, "the base URL %.*s has no "
		               "path: most services want /v1 at its end",
		               NM_TEXT_ARGS(url));
	nm_buf_add_text(out, url);
	return NM_OK;
}

static enum nm_code
take_name(struct nm_buf *out, const struct nm_buf *value, const char *name,
          struct nm_err *err)
{
	/* It becomes a header: nothing in it may begin another one. */
	if (value->len > NAME_MAX_BYTES || !is_visible(nm_buf_text(value)))
		return nm_fail(err, NM_USAGE, 0, "%s is too long or holds a "
		               "space or another byte that no id has", name);
	nm_buf_add_text(out, nm_buf_text(value));
	return NM_OK;
}

static void
add_identity(const struct nm_account *account, struct nm_text base_url,
             struct nm_buf *out)
{
	char fingerprint[NM_SECRET_FINGERPRINT_MAX];

	nm_secret_fingerprint(&account->key, fingerprint);
	nm_buf_addf(out, "%.*s org %s project %s key %s", NM_TEXT_ARGS(base_url),
	            account->organization.len
	            ? nm_buf_string(&account->organization) : "-",
	            account->project.len
	            ? nm_buf_string(&account->project) : "-", fingerprint);
}

static void
identify(struct nm_account *account)
{
	struct nm_text typed = nm_buf_text(&account->base_url);
	struct nm_buf normal = {0};

	nm_base_url_add_normal(&normal, typed);
	add_identity(account, nm_buf_text(&normal), &account->identity);
	if (!nm_text_is(typed, nm_buf_string(&normal)))
		add_identity(account, typed, &account->as_typed);
	nm_buf_release(&normal);
}

static enum nm_code
take_settings(struct nm_account *account, const struct settings *settings,
              const char *base_url, struct nm_err *err)
{
	const struct nm_buf *values = settings->values;
	enum nm_code rc;

	if (!base_url || !*base_url)
		base_url = values[BASE_URL].len
			? nm_buf_string(&values[BASE_URL]) : NM_ACCOUNT_BASE_URL;
	rc = nm_account_read_url(&account->base_url, base_url, err);
	if (!rc)
		rc = take_name(&account->organization, &values[ORGANIZATION],
		               names[ORGANIZATION], err);
	if (!rc)
		rc = take_name(&account->project, &values[PROJECT],
		               names[PROJECT], err);
	if (!rc && values[KEY].len) {
		rc = nm_secret_set(&account->key, nm_buf_text(&values[KEY]),
		                   err);
		if (rc)
			nm_while(err, "reading %s", names[KEY]);
	}
	return rc;
}

static enum nm_code
read_settings(struct settings *settings, const char *dotenv_path,
              struct nm_err *err)
{
	enum nm_code rc;

	rc = read_dotenv(settings, dotenv_path ? dotenv_path : ".env", err);
	if (!rc)
		read_environment(settings);
	return rc;
}

enum nm_code
nm_account_read_model(struct nm_buf *out, const char *dotenv_path,
                      struct nm_err *err)
{
	struct settings settings = {0};
	enum nm_code rc = read_settings(&settings, dotenv_path, err);

	if (!rc)
		nm_buf_add_text(out, nm_buf_text(&settings.values[MODEL]));
	release_settings(&settings);
	return rc;
}

enum nm_code
nm_account_open(struct nm_account *account,
                const struct nm_account_wish *wish, struct nm_err *err)
{
	struct nm_account mine = { .kind = NM_ACCOUNT_SERVICE };
	struct settings settings = {0};
	enum nm_code rc;

	rc = read_settings(&settings, wish ? wish->dotenv_path : NULL, err);
	if (rc)
		goto done;
	rc = take_settings(&mine, &settings, wish ? wish->base_url : NULL, err);
	if (rc)
		goto done;
	identify(&mine);
	*account = mine;
	mine = (struct nm_account){0};
done:
	nm_account_close(&mine);
	release_settings(&settings);
	return rc;
}

enum nm_code
nm_account_open_local(struct nm_account *account, const char *base_url,
                      const char *key, struct nm_err *err)
{
	struct nm_account mine = { .kind = NM_ACCOUNT_LOCAL };
	enum nm_code rc;

	rc = nm_account_read_url(&mine.base_url, base_url, err);
	if (!rc)
		rc = nm_secret_set(&mine.key, nm_text_of(key), err);
	if (rc) {
		nm_account_close(&mine);
		return rc;
	}
	nm_buf_add_string(&mine.identity, "local");
	*account = mine;
	return NM_OK;
}

/* The URL of an identity, which is its first word; the server inside this process has a
 * word that is none. */
static struct nm_text
url_of(const char *identity)
{
	return (struct nm_text){ identity, strcspn(identity, " ") };
}

static void
add_normal(struct nm_buf *out, const char *identity)
{
	struct nm_text url = url_of(identity);

	if (after_scheme(url).at)
		nm_base_url_add_normal(out, url);
	else
		nm_buf_add_text(out, url);
	nm_buf_add_string(out, identity + url.len);
}

bool
nm_account_owns(const struct nm_account *account, const char *identity)
{
	struct nm_buf normal = {0};
	bool owns;

	add_normal(&normal, identity);
	owns = strcmp(nm_buf_string(&normal),
	              nm_buf_string(&account->identity)) == 0;
	nm_buf_release(&normal);
	return owns;
}

bool
nm_account_neighbours(const struct nm_account *account, const char *identity)
{
	struct nm_buf normal = {0};
	bool neighbours;

	add_normal(&normal, identity);
	neighbours = nm_text_equal(url_of(nm_buf_string(&normal)),
	                           url_of(nm_buf_string(&account->identity)));
	nm_buf_release(&normal);
	return neighbours;
}

void
nm_account_close(struct nm_account *account)
{
	if (!account)
		return;
	nm_buf_release(&account->base_url);
	nm_buf_release(&account->organization);
	nm_buf_release(&account->project);
	nm_buf_release(&account->identity);
	nm_buf_release(&account->as_typed);
	nm_secret_release(&account->key);
	*account = (struct nm_account){0};
}
