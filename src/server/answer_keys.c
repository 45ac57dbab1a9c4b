#include "server/answer_keys.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <time.h>

#include "base/map.h"
#include "base/path.h"

void
nm_answer_keys_init(struct nm_answer_keys *keys, const char *folder)
{
	pthread_rwlock_init(&keys->lock, NULL);
	if (folder)
		nm_buf_add_string(&keys->folder, folder);
}

void
nm_answer_keys_release(struct nm_answer_keys *keys)
{
	nm_answers_release(&keys->answers);
	nm_buf_release(&keys->folder);
	pthread_rwlock_destroy(&keys->lock);
}

static int
is_key(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void
free_names(struct dirent **names, int count)
{
	for (int i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

/* Changes when a file comes, goes, grows or is replaced. */
static uint64_t
listing_hash(const char *folder, struct dirent **names, int count)
{
	struct nm_buf path = {0};
	uint64_t hash = 1;
	struct stat st;

	for (int i = 0; i < count; i++) {
		int64_t facts[4];

		nm_buf_clear(&path);
		nm_path_join(&path, folder, names[i]->d_name);
		if (stat(nm_buf_string(&path), &st))
			continue;
		facts[0] = (int64_t)st.st_ino;
		facts[1] = (int64_t)st.st_size;
		facts[2] = (int64_t)st.st_mtim.tv_sec;
		facts[3] = (int64_t)st.st_mtim.tv_nsec;
		hash = nm_hash(hash, facts, sizeof(facts));
	}
	nm_buf_release(&path);
	return hash ? hash : 1;
}

static enum nm_code
read_keys(const char *folder, struct dirent **names, int count,
          struct nm_answers *answers, struct nm_err *err)
{
	struct nm_buf path = {0};
	enum nm_code rc = NM_OK;

	for (int i = 0; i < count && !rc; i++) {
		nm_buf_clear(&path);
		nm_path_join(&path, folder, names[i]->d_name);
		rc = nm_answers_add(answers, nm_buf_string(&path), err);
	}
	nm_buf_release(&path);
	return rc ? rc : nm_answers_index(answers, err);
}

static uint64_t
hash_seen(struct nm_answer_keys *keys)
{
	uint64_t seen;

	pthread_rwlock_rdlock(&keys->lock);
	seen = keys->seen;
	pthread_rwlock_unlock(&keys->lock);
	return seen;
}

static void
replace(struct nm_answer_keys *keys, const struct nm_answers *answers,
        uint64_t hash)
{
	struct nm_answers old;

	pthread_rwlock_wrlock(&keys->lock);
	old = keys->answers;
	keys->answers = *answers;
	keys->seen = hash;
	pthread_rwlock_unlock(&keys->lock);
	nm_answers_release(&old);
}

enum nm_code
nm_answer_keys_refresh(struct nm_answer_keys *keys, struct nm_err *err)
{
	const char *folder = nm_buf_string(&keys->folder);
	struct nm_answers answers = {0};
	struct dirent **names = NULL;
	enum nm_code rc = NM_OK;
	uint64_t hash;
	int count;

	if (keys->folder.len == 0)
		return NM_OK;
	count = scandir(folder, &names, is_key, alphasort);
	if (count < 0)
		return errno == ENOENT ? NM_OK :
			nm_fail(err, NM_IO, errno, "%s: cannot list: %s", folder,
			        strerror(errno));
	hash = listing_hash(folder, names, count);
	if (hash != hash_seen(keys)) {
		rc = read_keys(folder, names, count, &answers, err);
		if (rc)
			nm_answers_release(&answers);
		else
			replace(keys, &answers, hash);
	}
	free_names(names, count);
	return rc;
}

enum nm_code
nm_answer_keys_refresh_lately(struct nm_answer_keys *keys, struct nm_err *err)
{
	struct timespec now;
	int_least64_t last = atomic_load(&keys->looked_s);

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (now.tv_sec == last ||
	    !atomic_compare_exchange_strong(&keys->looked_s, &last, now.tv_sec))
		return NM_OK;
	return nm_answer_keys_refresh(keys, err);
}

const struct nm_answers *
nm_answer_keys_lock(struct nm_answer_keys *keys)
{
	pthread_rwlock_rdlock(&keys->lock);
	return &keys->answers;
}

void
nm_answer_keys_unlock(struct nm_answer_keys *keys)
{
	pthread_rwlock_unlock(&keys->lock);
}
