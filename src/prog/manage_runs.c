/*
 * manage_runs: --runs: what this machine has sent, by its journal alone.
 */
#include <inttypes.h>

#include "cli/terminal.h"
#include "prog/manager.h"
#include "state/runs.h"
#include "state/shards.h"

struct parts {
	struct nm_shard_record *shards;
	size_t                  n;
};

/* Invariant: parts[i] are those of runs[i]. All in the arena. */
struct history {
	struct nm_run_record *runs;
	size_t                n_runs;
	struct parts         *parts;
	struct nm_arena       arena;
};

static enum nm_code
read_history(struct nm_manager *manager, struct history *history,
             struct nm_err *err)
{
	enum nm_code rc = nm_manager_find_journal(manager, err);
	size_t i;

	if (rc)
		return rc == NM_ABSENT ? NM_OK : rc;
	rc = nm_runs_list(manager->journal, &history->arena, &history->runs,
	                  &history->n_runs, err);
	if (rc)
		return rc;
	history->parts = nm_arena_array(&history->arena, history->n_runs + 1,
	                                sizeof(*history->parts));
	for (i = 0; !rc && i < history->n_runs; i++)
		rc = nm_shards_list(manager->journal, history->runs[i].id,
		                    &history->arena, &history->parts[i].shards,
		                    &history->parts[i].n, err);
	return rc;
}

/* "local", or the base URL of the service. */
static const char *
service_of(const struct nm_run_record *run, char *out, size_t out_bytes)
{
	snprintf(out, out_bytes, "%.*s", (int)strcspn(run->account, " "),
	         run->account);
	return out;
}

static void
add_row(struct nm_table *table, const struct nm_run_record *run)
{
	char created[NM_CLOCK_TEXT_MAX], requests[32];
	const char *cells[] = {
		run->id, created, run->mode, nm_run_state_word(run->state),
		requests, run->model, run->name
	};

	nm_clock_local(run->created_ms, created);
	/* To the minute: what is cut on 80 columns is the names. */
	created[strlen("2026-01-02 03:04")] = '\0';
	snprintf(requests, sizeof(requests), "%" PRId64, run->requests);
	nm_table_add(table, cells);
}

static const char *
shard_word(const struct nm_run_record *run,
           const struct nm_shard_record *shard)
{
	switch (shard->state) {
	case NM_SHARD_PLANNED:
	case NM_SHARD_UPLOADED:
		return run->state == NM_RUN_OPEN ? "not created yet"
		                                 : "no batch was made";
	case NM_SHARD_UPLOADING:
		return "upload not confirmed; resuming looks for it";
	case NM_SHARD_CREATING:
		return "creation not confirmed; resuming looks for it";
	case NM_SHARD_SPLIT:
		return "was too large; smaller ones stand for it";
	case NM_SHARD_REFUSED:
		return "refused";
	case NM_SHARD_COLLECTED:
	case NM_SHARD_CREATED:
	case NM_SHARD_ENDED:
		break;
	}
	return shard->status[0] ? shard->status : "created";
}

/* Below the id, which is never cut: it is what is looked for here. */
static void
add_below(struct nm_text text, int width, struct nm_buf *out)
{
	nm_buf_add_string(out, "\n        ");
	nm_terminal_add(out, text, width - 8);
}

static void
add_shard(const struct nm_run_record *run,
          const struct nm_shard_record *shard, int width, struct nm_buf *out)
{
	const char *id = shard->batch_id[0] ? shard->batch_id : "(no batch)";
	struct nm_text note = nm_text_of(shard->note);
	struct nm_buf line = {0};

	nm_buf_addf(&line, "%" PRId64 " request%s, %s%s", shard->count,
	            shard->count == 1 ? "" : "s",
	            shard->state == NM_SHARD_CREATED ? "last seen " : "",
	            shard_word(run, shard));
	if (shard->state == NM_SHARD_COLLECTED)
		nm_buf_add_string(&line, ", on this machine");
	nm_buf_add_string(out, "    ");
	nm_terminal_add(out, nm_text_of(id), 0);
	if (!width || nm_terminal_columns(nm_text_of(id)) + 6 +
	              nm_terminal_columns(nm_buf_text(&line)) <= width) {
		nm_buf_add_string(out, "  ");
		nm_terminal_add(out, nm_buf_text(&line), 0);
	} else {
		add_below(nm_buf_text(&line), width, out);
	}
	if (note.len && width) {
		add_below(note, width, out);
	} else if (note.len) {
		nm_buf_add_string(out, ": ");
		nm_terminal_add(out, note, 0);
	}
	nm_buf_add_byte(out, '\n');
	nm_buf_release(&line);
}

/* Of most machines it is the same one for all; that it is simulated is told. */
static bool
has_services(const struct history *history)
{
	char first[160], other[160];
	size_t i;

	for (i = 0; i < history->n_runs; i++) {
		service_of(&history->runs[0], first, sizeof(first));
		service_of(&history->runs[i], other, sizeof(other));
		if (strcmp(first, other) != 0 || strcmp(other, "local") == 0)
			return true;
	}
	return false;
}

static void
add_service(const struct nm_run_record *run, int width, struct nm_buf *out)
{
	struct nm_buf line = {0};
	char service[160];

	nm_buf_addf(&line, "    service: %s",
	            service_of(run, service, sizeof(service)));
	nm_terminal_add(out, nm_buf_text(&line), width);
	nm_buf_add_byte(out, '\n');
	nm_buf_release(&line);
}

/* The table's lines, each run's followed by those of its batches. */
static void
weave(const struct history *history, struct nm_text lines, int width,
      struct nm_buf *out)
{
	bool services = has_services(history);
	const char *end;
	size_t i, k;

	for (i = 0; i <= history->n_runs; i++) {
		end = memchr(lines.at, '\n', lines.len);
		if (!end)
			return;
		nm_buf_add(out, lines.at, (size_t)(end - lines.at) + 1);
		lines.len -= (size_t)(end - lines.at) + 1;
		lines.at = end + 1;
		if (i > 0 && services)
			add_service(&history->runs[i - 1], width, out);
		/* The first line is the heading. */
		for (k = 0; i > 0 && k < history->parts[i - 1].n; k++)
			add_shard(&history->runs[i - 1],
			          &history->parts[i - 1].shards[k], width,
			          out);
	}
}

static void
write_text(const struct history *history, struct nm_buf *out)
{
	static const struct nm_table_column columns[] = {
		{ "Run", NM_TABLE_LEFT, NM_TABLE_WHOLE },
		{ "Created", NM_TABLE_LEFT, NM_TABLE_WHOLE },
		{ "Mode", NM_TABLE_LEFT, NM_TABLE_WHOLE },
		{ "State", NM_TABLE_LEFT, NM_TABLE_WHOLE },
		{ "Requests", NM_TABLE_RIGHT, NM_TABLE_WHOLE },
		{ "Model", NM_TABLE_LEFT, NM_TABLE_CUT },
		{ "Questions", NM_TABLE_LEFT, NM_TABLE_CUT },
	};
	int width = nm_terminal_width(1);
	struct nm_table table;
	struct nm_buf lines = {0};
	size_t i;

	if (!history->n_runs) {
		nm_buf_add_string(out, "No run is recorded on this machine.\n");
		return;
	}
	nm_table_open(&table, columns, sizeof(columns) / sizeof(*columns));
	for (i = 0; i < history->n_runs; i++)
		add_row(&table, &history->runs[i]);
	nm_table_write(&table, width, &lines);
	weave(history, nm_buf_text(&lines), width, out);
	nm_table_release(&table);
	nm_buf_release(&lines);
}

static void
put_text(struct nm_json_writer *w, const char *name, const char *text)
{
	nm_json_put_string(w, name, text[0] ? text : NULL);
}

static void
put_shard(const struct nm_run_record *run,
          const struct nm_shard_record *shard, struct nm_json_writer *w)
{
	nm_json_open_object(w, NULL);
	put_text(w, "id", shard->batch_id);
	put_text(w, "status", shard->status);
	nm_json_put_int(w, "shard", shard->number);
	nm_json_put_int(w, "attempt", shard->attempt);
	nm_json_put_int(w, "requests", shard->count);
	nm_json_put_true(w, "collected", shard->state == NM_SHARD_COLLECTED);
	nm_json_put_string(w, "state", shard_word(run, shard));
	put_text(w, "input_file_id", shard->input_file_id);
	put_text(w, "output_file_id", shard->output_file_id);
	put_text(w, "error_file_id", shard->error_file_id);
	put_text(w, "note", shard->note);
	nm_json_close_object(w);
}

static void
put_run(const struct history *history, size_t i, struct nm_json_writer *w)
{
	const struct nm_run_record *run = &history->runs[i];
	char service[160];
	size_t k;

	nm_json_open_object(w, NULL);
	nm_json_put_string(w, "id", run->id);
	nm_json_put_string(w, "mode", run->mode);
	nm_json_put_string(w, "state", nm_run_state_word(run->state));
	nm_json_put_int(w, "created_at", run->created_ms / 1000);
	nm_json_put_int(w, "updated_at", run->updated_ms / 1000);
	nm_json_put_string(w, "name", run->name);
	put_text(w, "model", run->model);
	put_text(w, "endpoint", run->endpoint);
	put_text(w, "service", service_of(run, service, sizeof(service)));
	nm_json_put_int(w, "requests", run->requests);
	put_text(w, "results_path", run->results_path);
	nm_json_open_array(w, "batches");
	for (k = 0; k < history->parts[i].n; k++)
		put_shard(run, &history->parts[i].shards[k], w);
	nm_json_close_array(w);
	nm_json_close_object(w);
}

enum nm_code
nm_manage_runs(struct nm_manager *manager, struct nm_err *err)
{
	struct history history = {0};
	struct nm_buf text = {0};
	struct nm_json_writer w = { .out = &text, .indent = 2 };
	enum nm_code rc = read_history(manager, &history, err);
	size_t i;

	if (rc)
		goto done;
	if (nm_manager_wants_json(manager)) {
		nm_json_open_array(&w, NULL);
		for (i = 0; i < history.n_runs; i++)
			put_run(&history, i, &w);
		nm_json_close_array(&w);
		nm_buf_add_byte(&text, '\n');
	} else {
		write_text(&history, &text);
	}
	nm_manager_print(&text);
done:
	nm_buf_release(&text);
	nm_arena_release(&history.arena);
	return rc;
}
