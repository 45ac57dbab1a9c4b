/*
 * replay: runs a fuzz target on each file of the folders named, for machines and
 * compilers without libFuzzer, and prints TAP. Must not know the target.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/path.h"
#include "fuzz.h"

static int
replay(const char *path)
{
	struct nm_buf content = { 0 };
	struct nm_err err;
	uint8_t *exact;
	size_t len;

	if (nm_file_read(path, &content, &err)) {
		(void)fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	/* Told before, so that an abort names its input. */
	(void)printf("# %s\n", path);
	(void)fflush(stdout);
	/* In memory of its own size, so that a sanitizer sees every slip. */
	len = content.len;
	exact = malloc(len ? len : 1);
	if (!exact)
		abort();
	if (len)
		memcpy(exact, content.at, len);
	nm_buf_release(&content);
	(void)LLVMFuzzerTestOneInput(exact, len);
	free(exact);
	return 0;
}

static int
replay_folder(const char *folder)
{
	struct nm_buf path = { 0 };
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int bad, failed = 0, count = 0;

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		nm_buf_clear(&path);
		nm_path_join(&path, folder, entry->d_name);
		bad = replay(path.at);
		(void)printf("%sok %d - %s\n", bad ? "not " : "", ++count,
		             entry->d_name);
		failed |= bad;
	}
	if (dir)
		(void)closedir(dir);
	(void)printf("1..%d\n", count);
	nm_buf_release(&path);
	if (count == 0)
		(void)fprintf(stderr, "%s holds no inputs\n", folder);
	return failed || count == 0;
}

int
main(int argc, char **argv)
{
	int failed = argc < 2;

	for (int i = 1; i < argc; i++)
		failed |= replay_folder(argv[i]);
	return failed;
}
