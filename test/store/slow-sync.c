/*
 * Preloaded into a process under test: every sync of a file takes longer, is written down, and the disk can run out of room.
 *
 * TUTTI_SLOW_SYNC_MS  how many milliseconds a sync goes on after the kernel is done with it. Whatever is acknowledged before
 *                     it returns was acknowledged too early.
 * TUTTI_STUCK_WHILE   while a file of this name exists, no sync returns.
 * TUTTI_SYNC_LOG      a file that gets a line "<what> <file> <start> <end>" per sync: the name of the file without its folders, times in
 *                     monotonic nanoseconds.
 * TUTTI_DISK_FULL     while a file of this name exists, writes that would make a file longer fail with ENOSPC.
 *
 * TUTTI_UNDO_LOG      a file that gets what every write replaces, and what is synced: with it, a test takes back what a loss of power may
 *                     take (test/support/power-loss.ts).
 *
 * A positioned write through a descriptor that is opened with O_DSYNC is a sync too: LMDB writes its meta page so.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* The name of a file that is open, without its folders. */
static const char *name_of(int fd, char *buffer, size_t size) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, buffer, size - 1);
  if (length <= 0) return "?";
  buffer[length] = 0;
  const char *slash = strrchr(buffer, '/');
  return slash == NULL ? buffer : slash + 1;
}

static void go_on(const char *what, int synced, long long start) {
  const int result_errno = errno;
  const char *ms = getenv("TUTTI_SLOW_SYNC_MS");
  if (ms != NULL) {
    struct timespec left = {atol(ms) / 1000, atol(ms) % 1000 * 1000000};
    while (nanosleep(&left, &left) == -1 && errno == EINTR) continue;
  }
  const char *stuck = getenv("TUTTI_STUCK_WHILE");
  while (stuck != NULL && access(stuck, F_OK) == 0) nanosleep(&(struct timespec){0, 10 * 1000000}, NULL);
  const char *path = getenv("TUTTI_SYNC_LOG");
  if (path != NULL) {
    char line[512];
    char buffer[256];
    const char *name = name_of(synced, buffer, sizeof buffer);
    const int length = snprintf(line, sizeof line, "%s %s %lld %lld\n", what, name, start, now());
    const int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd >= 0) {
      if (REAL(write)(fd, line, length) < 0) perror(path);
      close(fd);
    }
  }
  errno = result_errno;
}

static int is_file(int fd) {
  struct stat info;
  return fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

/* An entry of the undo log; after a 'W', the old bytes follow, as many as there were. */
struct entry {
  char kind; /* W: a write begins. C: a write that syncs itself has ended. B, F: a sync begins, has ended. */
  char pad[3];
  unsigned int old_bytes;
  unsigned long long inode;
  long long offset;
  long long bytes;
  long long number; /* of the sync, and whether the write syncs itself */
};

static void note(char kind, int fd, off_t offset, size_t bytes, long long number) {
  const char *path = getenv("TUTTI_UNDO_LOG");
  struct stat info;
  if (path == NULL || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) return;
  const int result_errno = errno;
  char *buffer = malloc(sizeof(struct entry) + bytes);
  struct entry head = {kind, {0}, 0, info.st_ino, offset, bytes, number};
  if (kind == 'W') {
    char own[64];
    snprintf(own, sizeof own, "/proc/self/fd/%d", fd);
    const int reader = open(own, O_RDONLY | O_CLOEXEC);
    const ssize_t got = reader < 0 ? 0 : pread(reader, buffer + sizeof head, bytes, offset);
    if (reader >= 0) close(reader);
    head.old_bytes = got > 0 ? got : 0;
  }
  memcpy(buffer, &head, sizeof head);
  const int out = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (out >= 0) {
    if (REAL(write)(out, buffer, sizeof head + head.old_bytes) < 0) perror(path);
    close(out);
  }
  free(buffer);
  errno = result_errno;
}

static int is_full(int fd, off_t end) {
  const char *mark = getenv("TUTTI_DISK_FULL");
  struct stat info;
  if (mark == NULL || access(mark, F_OK) != 0) return 0;
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || end <= info.st_size) return 0;
  errno = ENOSPC;
  return 1;
}

/* Where a write without a position of its own ends. */
static off_t end_of(int fd, size_t size) {
  struct stat info;
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) return 0;
  return (fcntl(fd, F_GETFL) & O_APPEND ? info.st_size : lseek(fd, 0, SEEK_CUR)) + (off_t)size;
}

static size_t total(const struct iovec *parts, int count) {
  size_t size = 0;
  for (int i = 0; i < count; i++) size += parts[i].iov_len;
  return size;
}

static int syncs_itself(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  return flags != -1 && (flags & O_DSYNC) != 0 && is_file(fd);
}

int fdatasync(int fd) {
  const long long start = now();
  note('B', fd, 0, 0, start);
  const int result = REAL(fdatasync)(fd);
  go_on("fdatasync", fd, start);
  note('F', fd, 0, 0, start);
  return result;
}

int fsync(int fd) {
  const long long start = now();
  note('B', fd, 0, 0, start);
  const int result = REAL(fsync)(fd);
  go_on("fsync", fd, start);
  note('F', fd, 0, 0, start);
  return result;
}

int msync(void *address, size_t length, int flags) {
  const long long start = now();
  const int result = REAL(msync)(address, length, flags);
  if (flags & MS_SYNC) go_on("msync", -1, start);
  return result;
}

#define WRITING(name, size, end, ...)                     \
  {                                                       \
    const off_t behind = end;                             \
    if (is_full(fd, behind)) return -1;                   \
    const int syncs = syncs_itself(fd);                   \
    note('W', fd, behind - (off_t)(size), size, syncs);   \
    const long long start = now();                        \
    const ssize_t result = REAL(name)(__VA_ARGS__);       \
    if (syncs) note('C', fd, behind - (off_t)(size), size, 0); \
    if (syncs) go_on(#name, fd, start);                   \
    return result;                                        \
  }

ssize_t write(int fd, const void *data, size_t size) WRITING(write, size, end_of(fd, size), fd, data, size)
ssize_t writev(int fd, const struct iovec *parts, int count)
    WRITING(writev, total(parts, count), end_of(fd, total(parts, count)), fd, parts, count)
ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
    WRITING(pwrite, size, at + (off_t)size, fd, data, size, at)
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at)
    WRITING(pwritev, total(parts, count), at + (off_t)total(parts, count), fd, parts, count, at)
#ifdef __GLIBC__
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at)
    WRITING(pwrite64, size, at + (off64_t)size, fd, data, size, at)
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at)
    WRITING(pwritev64, total(parts, count), at + (off64_t)total(parts, count), fd, parts, count, at)
#endif
