/*
 * manage_check: --check: request files read as the service would read them, every
 * bad line named, and what sending them would cost. Needs no network and no key.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/file.h"
#include "prog/inspection.h"

enum { CHUNK_BYTES = 1 << 20, PRINT_BYTES = 64 << 10 };

/* A file may have more bad lines than memory has room. */
static void
print_some(struct nm_inspection *in)
{
	if (in->text.len < PRINT_BYTES)
		return;
	nm_manager_print(&in->text);
	nm_buf_clear(&in->text);
}

static void
report(struct nm_inspection *in, const struct nm_finding *finding,
       struct nm_text custom_id)
{
	if (!finding->code[0])
		return;
	in->findings++;
	if (in->json)
		nm_inspection_put_finding(in, finding, custom_id);
	else
		nm_inspection_add_finding(in, finding);
	print_some(in);
}

static void
check_lines(struct nm_inspection *in)
{
	struct nm_input_line read;
	struct nm_finding finding;
	struct nm_line line;

	while (nm_jsonl_next(&in->lines, &line)) {
		struct nm_text text = { line.at, line.len };

		read = (struct nm_input_line){0};
		if (line.over
		    ? !nm_input_refuse_long(&in->input, line.number, &finding)
		    : !nm_input_check_line(&in->input, text, line.number,
		                           &read, &finding))
			report(in, &finding, read.custom_id);
	}
}

/* "-" is standard input, as it is elsewhere. */
static enum nm_code
open_file(const char *path, int *fd, struct nm_err *err)
{
	if (strcmp(path, "-") != 0)
		return nm_file_open(path, fd, err);
	*fd = dup(STDIN_FILENO);
	return *fd >= 0 ? NM_OK
		: nm_fail(err, NM_INPUT, errno, "cannot read standard input: "
		          "%s", strerror(errno));
}

static enum nm_code
check_chunk(struct nm_inspection *in, size_t len, struct nm_err *err)
{
	struct nm_text chunk = { in->chunk.at, len };
	const char *foreign = in->bytes ? NULL : nm_input_foreign(chunk);

	if (foreign)
		return nm_fail(err, NM_INPUT, 0, "%s %s", in->path, foreign);
	in->bytes += len;
	nm_jsonl_feed(&in->lines, chunk.at, chunk.len);
	check_lines(in);
	return nm_clock_check(&in->manager->clock, err);
}

static enum nm_code
read_chunks(struct nm_inspection *in, int fd, struct nm_err *err)
{
	enum nm_code rc = NM_OK;
	ssize_t len = 1;

	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	while (!rc && len > 0) {
		len = read(fd, nm_buf_room(&in->chunk, CHUNK_BYTES),
		           CHUNK_BYTES);
		if (len < 0)
			rc = nm_fail(err, NM_IO, errno, "cannot read %s: %s",
			             in->path, strerror(errno));
		else if (len > 0)
			rc = check_chunk(in, (size_t)len, err);
	}
	return rc;
}

static enum nm_code
read_file(struct nm_inspection *in, struct nm_err *err)
{
	struct nm_finding finding;
	enum nm_code rc;
	int fd;

	rc = open_file(in->path, &fd, err);
	if (rc)
		return rc;
	rc = read_chunks(in, fd, err);
	close(fd);
	if (rc)
		return rc;
	nm_jsonl_finish(&in->lines);
	check_lines(in);
	/* As it stands on the disk, whatever its lines end in. */
	in->input.bytes = in->bytes;
	while (!nm_input_finish(&in->input, &finding))
		report(in, &finding, (struct nm_text){0});
	return NM_OK;
}

/* One that cannot be read: the array of findings is open still. */
static void
put_unread(struct nm_inspection *in, const struct nm_err *err)
{
	nm_json_close_array(&in->w);
	nm_json_put_true(&in->w, "ok", false);
	nm_json_put_string(&in->w, "error", err->text);
	nm_json_close_object(&in->w);
}

static enum nm_code
inspect(struct nm_inspection *in, const char *path, struct nm_err *err)
{
	enum nm_code rc;

	in->path = path;
	in->bytes = 0;
	in->findings = 0;
	memset(&in->lines, 0, sizeof(in->lines));
	nm_input_init(&in->input, &(struct nm_input_options){0});
	if (in->json) {
		nm_json_open_object(&in->w, NULL);
		nm_json_put_string(&in->w, "path", path);
		nm_json_open_array(&in->w, "findings");
	}
	rc = read_file(in, err);
	if (rc == NM_INPUT && in->json)
		put_unread(in, err);
	if (rc || in->findings)
		in->faulty_files++;
	if (!rc && in->json)
		nm_inspection_put_totals(in);
	else if (!rc)
		nm_inspection_add_totals(in);
	nm_input_release(&in->input);
	nm_jsonl_release(&in->lines);
	return rc;
}

/* Before what is said of the next file on the same terminal. */
static void
say_so_far(struct nm_inspection *in)
{
	if (in->json)
		return;
	nm_manager_print(&in->text);
	nm_buf_clear(&in->text);
	(void)fflush(stdout);
}

static enum nm_code
inspect_all(struct nm_inspection *in, const char *const *paths, size_t n,
            struct nm_err *err)
{
	enum nm_code rc = NM_OK;
	size_t i;

	if (in->json)
		nm_json_open_array(&in->w, NULL);
	for (i = 0; !rc && i < n; i++) {
		if (in->some && !in->json)
			nm_buf_add_byte(&in->text, '\n');
		rc = inspect(in, paths[i], err);
		in->some |= rc == NM_OK;
		/* The others are of interest all the same. */
		if (rc == NM_INPUT && n > 1) {
			say_so_far(in);
			(void)nm_message_error(&in->manager->message, err);
			rc = NM_OK;
		}
	}
	if (in->json && (!rc || rc == NM_INPUT)) {
		nm_json_close_array(&in->w);
		nm_buf_add_byte(&in->text, '\n');
	}
	nm_manager_print(&in->text);
	if (!rc && in->faulty_files)
		rc = nm_fail(err, NM_INPUT, 0, "%" PRIu64 " of %zu file%s would "
		             "be refused", in->faulty_files, n,
		             n == 1 ? "" : "s");
	return rc;
}

enum nm_code
nm_manage_check(struct nm_manager *manager, struct nm_err *err)
{
	struct nm_inspection in = {
		.manager = manager, .json = nm_manager_wants_json(manager),
	};
	size_t n;
	const char *const *paths = nm_options_list(&manager->options,
	                                           MANAGER_CHECK, &n);
	enum nm_code rc;

	in.w = (struct nm_json_writer){ .out = &in.text, .indent = 2 };
	rc = nm_prices_open(&in.prices, nm_options_text(&manager->options,
	                                                MANAGER_PRICES), err);
	if (!rc)
		rc = inspect_all(&in, paths, n, err);
	nm_prices_close(&in.prices);
	nm_buf_release(&in.chunk);
	nm_buf_release(&in.text);
	return rc;
}
