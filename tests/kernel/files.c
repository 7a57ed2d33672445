/* The files that FILES= packs. tests/qemu makes the folder; its contents are in make_folder(). */
#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

static struct waitgroup all;

static unsigned char pattern(long i)
{
	return (unsigned char)(i * 31 + i / 256);
}

static void test_read(void)
{
	char text[100] = "";
	FILE *f = fopen("/hello.txt", "r");

	expect(f != NULL);
	if (f) {
		expect(fgets(text, sizeof text, f) != NULL);
		expect(strcmp(text, "hello, files\n") == 0);
		expect(fgets(text, sizeof text, f) != NULL);
		expect(strcmp(text, "second line\n") == 0);
		expect(fgets(text, sizeof text, f) == NULL);
		expect(feof(f) && !ferror(f));
		expect_eq(fclose(f), 0);
	}
	f = fopen("/empty", "r");
	expect(f != NULL);
	if (f) {
		expect_eq(fgetc(f), EOF);
		fclose(f);
	}
	f = fopen("/sub/deeper/deep.txt", "r");
	expect(f != NULL);
	if (f) {
		expect_eq(fread(text, 1, sizeof text, f), 4);
		expect(memcmp(text, "deep", 4) == 0);
		fclose(f);
	}
	verdict("files are read to their end");

	char path[300];
	memset(path, 'n', sizeof path);
	memcpy(path, "/sub/other-folder/", 18);
	strcpy(path + 18 + 90, ".txt"); /* more than the 100 bytes of a ustar name: it is split */
	f = fopen(path, "r");
	expect(f != NULL);
	if (f)
		fclose(f);
	verdict("a long name");
}

static void check_big(void *arg)
{
	static const long size = 300000;
	uint32_t random = (uint32_t)(uintptr_t)arg | 1;
	unsigned char bytes[200];
	FILE *f = fopen("/big.bin", "rb");

	expect(f != NULL);
	for (int i = 0; f && i < 20; i++) {
		long at = (long)(test_random(&random) % (uint32_t)size);
		expect_eq(fseek(f, at, SEEK_SET), 0);
		expect_eq(ftell(f), at);
		size_t want = at + 200 > size ? (size_t)(size - at) : 200;
		expect_eq(fread(bytes, 1, 200, f), want);
		for (size_t k = 0; k < want; k++)
			if (bytes[k] != pattern(at + (long)k)) {
				expect_eq(bytes[k], pattern(at + (long)k));
				break;
			}
	}
	if (f) {
		expect_eq(fseek(f, 0, SEEK_END), 0);
		expect_eq(ftell(f), size);
		expect_eq(fseek(f, -1, SEEK_CUR), 0);
		expect_eq(fgetc(f), pattern(size - 1));
		expect_eq(fgetc(f), EOF);
		expect(fseek(f, -1, SEEK_SET) != 0);
		fclose(f);
	}
	waitgroup_done(&all);
}

static void test_stat(void)
{
	struct stat st;

	expect_eq(stat("/hello.txt", &st), 0);
	expect(S_ISREG(st.st_mode));
	expect_eq(st.st_size, 25);
	expect_eq(stat("/sub", &st), 0);
	expect(S_ISDIR(st.st_mode));
	expect_eq(stat("/", &st), 0);
	expect(S_ISDIR(st.st_mode));
	errno = 0;
	expect(stat("/nothing", &st) == -1 && errno == ENOENT);
	int fd = open("/big.bin", O_RDONLY);
	expect(fd >= 0);
	expect_eq(fstat(fd, &st), 0);
	expect_eq(st.st_size, 300000);
	expect_eq(lseek(fd, 299999, SEEK_SET), 299999);
	unsigned char byte;
	expect_eq(read(fd, &byte, 1), 1);
	expect_eq(byte, pattern(299999));
	expect_eq(read(fd, &byte, 1), 0);
	expect_eq(close(fd), 0);
	errno = 0;
	expect(read(fd, &byte, 1) == -1 && errno == EBADF);
	errno = 0;
	expect(close(fd) == -1 && errno == EBADF);
	verdict("stat, open, lseek, read, close");
}

static void test_directory(void)
{
	int hello = 0, sub = 0, others = 0;
	struct dirent *entry;
	DIR *dir = opendir("/");

	expect(dir != NULL);
	while (dir && (entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, "hello.txt") == 0)
			hello++;
		else if (strcmp(entry->d_name, "sub") == 0)
			sub++;
		else if (entry->d_name[0] != '.')
			others++;
	}
	if (dir)
		expect_eq(closedir(dir), 0);
	expect(hello == 1 && sub == 1);
	expect_eq(others, 2); /* big.bin, empty */
	dir = opendir("/sub/deeper");
	expect(dir != NULL);
	others = 0;
	while (dir && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.') {
			expect(strcmp(entry->d_name, "deep.txt") == 0);
			others++;
		}
	expect_eq(others, 1);
	if (dir)
		closedir(dir);
	errno = 0;
	expect(opendir("/nothing") == NULL && errno == ENOENT);
	errno = 0;
	expect(opendir("/hello.txt") == NULL && errno == ENOTDIR);
	verdict("opendir and readdir");
}

static bool finds(const char *pattern, int flags, int n, const char *first, const char *last)
{
	glob_t found;
	bool is = glob(pattern, flags, NULL, &found) == 0 && (int)found.gl_pathc == n &&
		  strcmp(found.gl_pathv[0], first) == 0 && strcmp(found.gl_pathv[n - 1], last) == 0;

	globfree(&found);
	return is;
}

static void test_glob(void)
{
	glob_t found;

	expect(finds("/h*.txt", 0, 1, "/hello.txt", "/hello.txt"));
	expect(finds("/[be]*", 0, 2, "/big.bin", "/empty"));
	expect(finds("/s?b/*/deep.*", 0, 1, "/sub/deeper/deep.txt", "/sub/deeper/deep.txt"));
	expect(finds("/sub/*", GLOB_MARK, 2, "/sub/deeper/", "/sub/other-folder/"));
	expect(finds("/h\\ello.txt", 0, 1, "/hello.txt", "/hello.txt"));
	expect(finds("/none*", GLOB_NOCHECK, 1, "/none*", "/none*"));
	expect_eq(glob("/none*", 0, NULL, &found), GLOB_NOMATCH);
	globfree(&found);
	expect_eq(glob("/h\\ello.txt", GLOB_NOESCAPE, NULL, &found), GLOB_NOMATCH);
	globfree(&found);
	verdict("glob");
}

static void test_system(void)
{
	expect_eq(system(NULL), 0);
	errno = 0;
	expect(system("ls") == -1 && errno == ENOSYS);
	verdict("system: there is no shell");
}

static void test_refusals(void)
{
	errno = 0;
	expect(fopen("/nothing", "r") == NULL && errno == ENOENT);
	errno = 0;
	expect(fopen("/hello.txt", "w") == NULL && errno == EROFS);
	errno = 0;
	expect(fopen("/hello.txt", "a") == NULL && errno == EROFS);
	errno = 0;
	expect(fopen("/hello.txt", "r+") == NULL && errno == EROFS);
	errno = 0;
	expect(open("/new", O_WRONLY | O_CREAT, 0666) == -1 && errno == EROFS);
	errno = 0;
	expect(fopen("/hello.txt/x", "r") == NULL && (errno == ENOTDIR || errno == ENOENT));
	verdict("nothing there is ENOENT, writing is EROFS");
}

static bool none(const char *path)
{
	struct stat st;

	return stat(path, &st) == -1 && errno == ENOENT && open(path, O_RDONLY) == -1 &&
	       errno == ENOENT && !fopen(path, "r") && errno == ENOENT && !opendir(path) &&
	       errno == ENOENT && access(path, F_OK) == -1 && errno == ENOENT;
}

static bool with_links; /* they are links, not what they lead to */

static bool there(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_size == 25 && access(path, R_OK) == 0;
}

static void test_only(void)
{
	static const char *const others[] = {"/etc/passwd",
					     "/proc/self/exe",
					     "/dev/null",
					     "/sub/other-folder/out/passwd",
					     "/sub/other-folder/passwd",
					     "/sub/other-folder/up/bin",
					     "/sub/../../etc/passwd",
					     ""};
	struct dirent **list = NULL;
	char path[10] = "", text[20] = "";

	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (!none(others[i])) {
			printf("# %s: something is there\n", others[i]);
			expect(false);
		}
	expect(there("hello.txt") && there("//hello.txt") && there("/../hello.txt") &&
	       there("sub/../hello.txt") && there("/sub/deeper/../../hello.txt") &&
	       there("/sub/../../../hello.txt") && there("sub/deeper/../../../hello.txt"));
	if (with_links)
		expect(there("/sub/other-folder/link") && there("/sub/other-folder/up/hello.txt"));
	expect(getcwd(path, sizeof path) && strcmp(path, "/") == 0);
	expect_eq(chdir("/"), 0);
	errno = 0;
	expect(chdir("/sub") == -1 && errno == ENOSYS);
	verdict("the folder is all there is, whatever leads out of it");

	int n = scandir("/sub", &list, NULL, alphasort);
	expect(n >= 2 && strcmp(list[n - 2]->d_name, "deeper") == 0 &&
	       strcmp(list[n - 1]->d_name, "other-folder") == 0);
	while (n > 0)
		free(list[--n]);
	free(list);
	FILE *f = fopen("/empty", "r");
	f = f ? freopen("/sub/deeper/deep.txt", "r", f) : NULL;
	expect(f && fgets(text, sizeof text, f) && strcmp(text, "deep") == 0);
	if (f)
		fclose(f);
	verdict("scandir and freopen");
}

static void test_changes(void)
{
	errno = 0;
	expect(access("/hello.txt", W_OK) == -1 && errno == EROFS);
	errno = 0;
	expect(access("/hello.txt", X_OK) == -1 && errno == EACCES);
	errno = 0;
	expect(unlink("/hello.txt") == -1 && errno == EROFS);
	errno = 0;
	expect(remove("/hello.txt") == -1 && errno == EROFS);
	errno = 0;
	expect(rename("/hello.txt", "/other") == -1 && errno == EROFS);
	errno = 0;
	expect(rmdir("/sub/deeper") == -1 && errno == EROFS);
	errno = 0;
	expect(truncate("/hello.txt", 0) == -1 && errno == EROFS);
	errno = 0;
	expect(mkdir("/sub/new", 0777) == -1 && errno == EROFS);
	errno = 0;
	expect(mkdir("/sub", 0777) == -1 && errno == EEXIST);
	errno = 0;
	expect(mkdir("/nothing/new", 0777) == -1 && errno == ENOENT);
	errno = 0;
	expect(fopen("/nothing/new", "w") == NULL && errno == ENOENT);
	errno = 0;
	expect(open("/hello.txt", O_RDONLY | O_CREAT | O_EXCL, 0666) == -1 && errno == EEXIST);
	errno = 0;
	expect(open("/sub", O_WRONLY) == -1 && errno == EISDIR);
	verdict("nothing is changed");
}

int main(int argc, char **argv)
{
	test_begin(argc, argv, 11);
	with_links = argc > 1 && !strcmp(argv[1], "links");
	test_read();
	waitgroup_add(&all, 30);
	for (uintptr_t i = 0; i < 30; i++)
		go(check_big, (void *)(i * 271));
	waitgroup_wait(&all);
	verdict("many read one file, each at its own place");
	test_stat();
	test_directory();
	test_glob();
	test_system();
	test_refusals();
	test_only();
	test_changes();
	return test_end();
}
