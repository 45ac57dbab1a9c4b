/*
 * manage_check: --check: request files read as the service would read them, every
 * bad line named, and what sending them would cost. Needs no network and no key.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/byte_count.h"
#include "cli/terminal.h"
#include "eval/price.h"
#include "prog/manager.h"
#include "remote/input.h"

enum { CHUNK_BYTES = 1 << 20, PRINT_BYTES = 64 << 10 };

/* Invariant: text is what stdout still lacks. */
struct inspection {
	struct nm_manager    *manager;
	struct nm_prices      prices;
	const char           *path;
	struct nm_input       input;
	struct nm_jsonl       lines;
	struct nm_buf         chunk;
	struct nm_buf         text;
	struct nm_json_writer w;
	bool                  json;
	uint64_t              bytes;        /* read of this file */
	uint64_t              findings;     /* of it */
	uint64_t              faulty_files; /* of all so far */
	bool                  some;         /* that could be read */
};

/* A file may have more bad lines than memory has room. */
static void
print_some(struct inspection *in)
{
	if (in->text.len < PRINT_BYTES)
		return;
	nm_manager_print(&in->text);
	nm_buf_clear(&in->text);
}

static void
put_finding(struct inspection *in, const struct nm_finding *finding,
            struct nm_text custom_id)
{
	struct nm_json_writer *w = &in->w;

	nm_json_open_object(w, NULL);
	if (finding->line)
		nm_json_put_int(w, "line", (int64_t)finding->line);
	else
		nm_json_put_null(w, "line");
	nm_json_put_string(w, "code", finding->code);
	nm_json_put_string(w, "param",
	                   finding->param[0] ? finding->param : NULL);
	nm_json_put_string(w, "message", finding->message);
	if (custom_id.len)
		nm_json_put_text(w, "custom_id", custom_id);
	if (finding->earlier_line)
		nm_json_put_int(w, "earlier_line",
		                (int64_t)finding->earlier_line);
	nm_json_put_true(w, "certain", finding->certain);
	nm_json_close_object(w);
}

/* "requests.jsonl:3: invalid_url (url): The URL …" */
static void
add_finding(struct inspection *in, const struct nm_finding *finding)
{
	struct nm_buf *out = &in->text;

	nm_terminal_add(out, nm_text_of(in->path), 0);
	if (finding->line)
		nm_buf_addf(out, ":%" PRIu64, finding->line);
	nm_buf_addf(out, ": %s", finding->code);
	if (finding->param[0])
		nm_buf_addf(out, " (%s)", finding->param);
	/* It quotes the file, which may hold anything. */
	nm_buf_add_string(out, ": ");
	nm_terminal_add(out, nm_text_of(finding->message), 0);
	if (finding->earlier_line)
		nm_buf_addf(out, " (first on line %" PRIu64 ")",
		            finding->earlier_line);
	if (finding->hint[0])
		nm_buf_addf(out, " [%s]", finding->hint);
	nm_buf_add_byte(out, '\n');
}

static void
report(struct inspection *in, const struct nm_finding *finding,
       struct nm_text custom_id)
{
	if (!finding->code[0])
		return;
	in->findings++;
	if (in->json)
		put_finding(in, finding, custom_id);
	else
		add_finding(in, finding);
	print_some(in);
}

static void
check_lines(struct inspection *in)
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
check_chunk(struct inspection *in, size_t len, struct nm_err *err)
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
read_chunks(struct inspection *in, int fd, struct nm_err *err)
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
read_file(struct inspection *in, struct nm_err *err)
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

/*
 * At batch prices: the input as guessed; the output at most, where it is bounded.
 * The rates for a long context belong to single requests, and are left out. -1
 * where there is no price.
 */
static int64_t
cost_pusd(const struct inspection *in, uint64_t output_tokens)
{
	const struct nm_price *price =
		nm_prices_find(&in->prices, nm_buf_text(&in->input.model));
	const struct nm_price_rates *rates;
	double pusd;

	if (!price)
		return -1;
	rates = &price->plain[NM_PRICE_BATCH];
	if (rates->input_pusd < 0 || rates->output_pusd < 0)
		return -1;
	pusd = (double)in->input.prompt_tokens_guess *
	       (double)rates->input_pusd +
	       (double)output_tokens * (double)rates->output_pusd;
	return pusd < 9e18 ? (int64_t)pusd : INT64_MAX;
}

static void
add_cost(struct inspection *in, struct nm_sheet *sheet)
{
	int64_t least_pusd = cost_pusd(in, 0);
	int64_t most_pusd = cost_pusd(in, in->input.output_tokens_max);
	char texts[2][NM_PRICE_TEXT_MAX];

	if (!in->input.requests)
		return;
	if (least_pusd < 0) {
		nm_sheet_add(sheet, "Cost", "unknown: no batch price of %s",
		             nm_buf_string(&in->input.model));
		return;
	}
	nm_price_print(least_pusd, 4, texts[0]);
	nm_price_print(most_pusd, 4, texts[1]);
	if (in->input.unbounded)
		nm_sheet_add(sheet, "Cost", "at least $%s (estimate, batch "
		             "prices of %s); the output is not bounded",
		             texts[0], in->prices.as_of);
	else
		nm_sheet_add(sheet, "Cost", "$%s to $%s (estimate, batch "
		             "prices of %s)", texts[0], texts[1],
		             in->prices.as_of);
}

static void
add_totals(struct inspection *in)
{
	const struct nm_input *input = &in->input;
	struct nm_sheet sheet = {0};
	char size[NM_BYTE_COUNT_MAX];

	nm_sheet_add(&sheet, "File", "%s", in->path);
	if (input->faulty)
		nm_sheet_add(&sheet, "Requests", "%" PRIu64 " without fault, %"
		             PRIu64 " with one", input->requests,
		             input->faulty);
	else
		nm_sheet_add(&sheet, "Requests", "%" PRIu64,
		             input->requests);
	if (input->blank)
		nm_sheet_add(&sheet, "Blank lines", "%" PRIu64, input->blank);
	nm_sheet_add(&sheet, "Size", "%s", nm_byte_count(input->bytes, size));
	if (input->requests) {
		nm_sheet_add(&sheet, "Model", "%s",
		             nm_buf_string(&input->model));
		nm_sheet_add(&sheet, "Endpoint", "%s",
		             nm_buf_string(&input->endpoint));
		nm_sheet_add(&sheet, "Prompt tokens", "about %" PRIu64,
		             input->prompt_tokens_guess);
	}
	add_cost(in, &sheet);
	nm_sheet_write(&sheet, 0, &in->text);
	nm_sheet_release(&sheet);
}

static void
put_cost(struct inspection *in, const char *name, int64_t pusd)
{
	if (pusd >= 0 && in->input.requests)
		nm_json_put_double(&in->w, name, nm_price_usd(pusd));
	else
		nm_json_put_null(&in->w, name);
}

static void
put_totals(struct inspection *in)
{
	const struct nm_input *input = &in->input;
	struct nm_json_writer *w = &in->w;

	nm_json_close_array(w);
	nm_json_put_true(w, "ok", in->findings == 0);
	nm_json_put_int(w, "requests", (int64_t)input->requests);
	nm_json_put_int(w, "faulty", (int64_t)input->faulty);
	nm_json_put_int(w, "blank", (int64_t)input->blank);
	nm_json_put_int(w, "bytes", (int64_t)input->bytes);
	nm_json_put_string(w, "model", input->model.len
	                   ? nm_buf_string(&input->model) : NULL);
	nm_json_put_string(w, "endpoint", input->endpoint.len
	                   ? nm_buf_string(&input->endpoint) : NULL);
	nm_json_put_int(w, "prompt_tokens_estimate",
	                (int64_t)input->prompt_tokens_guess);
	put_cost(in, "cost_usd_low", cost_pusd(in, 0));
	put_cost(in, "cost_usd_high", input->unbounded
	         ? -1 : cost_pusd(in, input->output_tokens_max));
	nm_json_close_object(w);
}

/* One that cannot be read: the array of findings is open still. */
static void
put_unread(struct inspection *in, const struct nm_err *err)
{
	nm_json_close_array(&in->w);
	nm_json_put_true(&in->w, "ok", false);
	nm_json_put_string(&in->w, "error", err->text);
	nm_json_close_object(&in->w);
}

static enum nm_code
inspect(struct inspection *in, const char *path, struct nm_err *err)
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
		put_totals(in);
	else if (!rc)
		add_totals(in);
	nm_input_release(&in->input);
	nm_jsonl_release(&in->lines);
	return rc;
}

/* Before what is said of the next file on the same terminal. */
static void
say_so_far(struct inspection *in)
{
	if (in->json)
		return;
	nm_manager_print(&in->text);
	nm_buf_clear(&in->text);
	(void)fflush(stdout);
}

static enum nm_code
inspect_all(struct inspection *in, const char *const *paths, size_t n,
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
	struct inspection in = {
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
