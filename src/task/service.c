/*
 * service: see the header.
 */
#include "task/service.h"

#include "base/file.h"
#include "base/path.h"
#include "task/command.h"

static enum nm_code
start_local(struct nm_service *service, struct nm_err *err)
{
	struct nm_server_options options = { 0 };
	struct nm_buf folder = { 0 }, local = { 0 };
	enum nm_code rc = nm_path_state(&folder, err);

	if (rc)
		goto done;
	nm_path_join(&local, nm_buf_string(&folder), "local");
	options.state_dir = nm_buf_string(&local);
	rc = nm_folder_make(options.state_dir, 0700, err);
	if (!rc)
		rc = nm_server_start(&options, &service->server, err);
	if (!rc)
		rc = nm_account_open_local(&service->account,
			nm_server_url(service->server), "local", err);
	nm_buf_add_string(&service->flags, " --local");
done:
	nm_buf_release(&folder);
	nm_buf_release(&local);
	return rc;
}

static enum nm_code
find_account(struct nm_service *service, const struct nm_service_wish *wish,
             struct nm_err *err)
{
	struct nm_account_wish account = { .base_url = wish->base_url };
	enum nm_code rc = nm_account_open(&service->account, &account, err);

	if (rc)
		return rc;
	if (wish->base_url) {
		nm_buf_add_string(&service->flags, " --base-url");
		nm_command_add_word(&service->flags, wish->base_url);
	}
	if (nm_secret_held(&service->account.key))
		return NM_OK;
	return nm_fail(err, NM_USAGE, 0,
		"no API key: set OPENAI_API_KEY in the environment or in .env,"
		" or use --local, which needs none");
}

enum nm_code
nm_service_open(struct nm_service *service,
                const struct nm_service_wish *wish, struct nm_err *err)
{
	enum nm_code rc;

	memset(service, 0, sizeof(*service));
	rc = nm_clock_init(&service->clock, getenv("NIGHTMAIL_CLOCK"),
	                   wish->stop, err);
	if (rc)
		return nm_while(err, "reading NIGHTMAIL_CLOCK");
	if (wish->kind == NM_SERVICE_LOCAL)
		rc = start_local(service, err);
	else
		rc = find_account(service, wish, err);
	if (!rc)
		rc = nm_api_open(&service->api, &service->account,
		                 &service->clock, err);
	if (rc)
		nm_service_close(service);
	return rc;
}

void
nm_service_close(struct nm_service *service)
{
	nm_api_close(&service->api);
	nm_account_close(&service->account);
	nm_server_stop(service->server);
	nm_buf_release(&service->flags);
	memset(service, 0, sizeof(*service));
}
