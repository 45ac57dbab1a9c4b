/*
 * batch_files: see the header.
 */
#include "run/batch_files.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "eval/row.h"
#include "run/delivery.h"

enum { CHUNK_BYTES = 256 << 10 };

enum nm_code
nm_batch_files_open(struct nm_batch_files *files, struct nm_api *api,
                    struct nm_err *err)
{
	struct nm_batch_files mine = { .api = api };
	struct nm_buf state = {0};
	enum nm_code rc = nm_path_state(&state, err);

	if (rc)
		goto done;
	nm_path_join(&mine.folder, nm_buf_string(&state), "passing");
	rc = nm_folder_make(nm_buf_string(&mine.folder), 0700, err);
done:
	nm_buf_release(&state);
	if (rc)
		nm_buf_release(&mine.folder);
	else
		*files = mine;
	return rc;
}

static void
remember(struct nm_batch_files *files, const char *path)
{
	if (files->n_paths == files->room) {
		files->room = files->room ? 2 * files->room : 8;
		files->paths = realloc(files->paths,
		                       files->room * sizeof(*files->paths));
		if (!files->paths)
			nm_die("out of memory");
	}
	files->paths[files->n_paths++] = path;
}

/* What is not there leaves nothing to continue. */
static void
remove_part(const char *path, const char *file_id)
{
	struct nm_buf part = {0};

	nm_buf_addf(&part, "%s.", path);
	nm_path_add_safe(&part, nm_text_of(file_id));
	nm_buf_add_string(&part, ".part");
	unlink(nm_buf_string(&part));
	nm_buf_release(&part);
}

enum nm_code
nm_batch_files_bring(struct nm_batch_files *files, const char *file_id,
                     const char **path, struct nm_err *err)
{
	struct nm_buf name = {0};
	const char *where;
	enum nm_code rc;

	nm_buf_addf(&name, "%s/", nm_buf_string(&files->folder));
	nm_path_add_safe(&name, nm_text_of(file_id));
	where = nm_arena_string(&files->arena, nm_buf_string(&name));
	nm_buf_release(&name);
	rc = nm_delivery_take(files->api, file_id, where, err);
	if (rc == NM_ABSENT)
		remove_part(where, file_id);
	if (rc)
		return nm_while(err, "fetching %s", file_id);
	remember(files, where);
	*path = where;
	return NM_OK;
}

void
nm_batch_files_close(struct nm_batch_files *files)
{
	size_t i;

	for (i = 0; i < files->n_paths; i++)
		unlink(files->paths[i]);
	if (files->folder.len)
		rmdir(nm_buf_string(&files->folder));
	free(files->paths);
	nm_buf_release(&files->folder);
	nm_arena_release(&files->arena);
	memset(files, 0, sizeof(*files));
}

static void
give(struct nm_jsonl *jsonl,
     void (*take)(void *user, const struct nm_line *line), void *user)
{
	struct nm_line line;

	while (nm_jsonl_next(jsonl, &line))
		take(user, &line);
}

enum nm_code
nm_batch_file_walk(const char *path,
                   void (*take)(void *user, const struct nm_line *line),
                   void *user, struct nm_err *err)
{
	struct nm_jsonl jsonl = { .line_max_bytes = NM_ROW_LINE_MAX_BYTES };
	struct nm_buf chunk = {0};
	enum nm_code rc;
	ssize_t len;
	int fd;

	rc = nm_file_open(path, &fd, err);
	if (rc)
		return rc;
	do {
		len = read(fd, nm_buf_room(&chunk, CHUNK_BYTES), CHUNK_BYTES);
		if (len < 0)
			rc = nm_fail(err, NM_IO, errno, "cannot read %s: %s",
			             path, strerror(errno));
		if (len > 0)
			nm_jsonl_feed(&jsonl, chunk.at, (size_t)len);
		else
			nm_jsonl_finish(&jsonl);
		give(&jsonl, take, user);
	} while (len > 0);
	close(fd);
	nm_jsonl_release(&jsonl);
	nm_buf_release(&chunk);
	return rc;
}
