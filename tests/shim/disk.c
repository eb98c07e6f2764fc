/* A disk that remembers: preloaded into a node, it writes down every change to the files of one
 * folder and every sync, in their order, so that a test can make up what a power cut would have
 * left. It can also refuse one sync. It changes nothing else, and judges nothing.
 *
 *   OMNI_DISK_HOME  the folder, absolute
 *   OMNI_DISK_LOG   where to write it down; see `read` in tests/src/disk.rs for the form
 *   OMNI_DISK_FAIL  which sync of a file below ledger/ fails, counted from 1; none if not said
 *
 * One lock spans each change and its record, so the records stand in the order of the changes. A
 * process that is killed between the two leaves a change without a record: unsynced and lost, which
 * is what a power cut may do. Calls that no code of the node makes are not followed; a writable
 * shared mapping is, so that it can't go unseen: its record makes the test fail.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define DESCRIPTORS_MAX 65536
#define CREATED 1
#define EMPTIED 2

struct head {
    uint32_t kind;
    uint32_t text_bytes;
    uint32_t data_bytes;
    uint32_t flags;
    uint64_t inode;
    uint64_t offset;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char home[PATH_MAX];
static size_t home_bytes;
static int log_fd = -1;
static long fail_at, syncs;
static unsigned char followed[DESCRIPTORS_MAX];

#define REAL(name) ((__typeof__(name) *)real(#name))

static void *real(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found)
        abort();
    return found;
}

__attribute__((constructor)) static void begin(void) {
    const char *folder = getenv("OMNI_DISK_HOME"), *log = getenv("OMNI_DISK_LOG");
    const char *fail = getenv("OMNI_DISK_FAIL");
    if (!folder || !log || strlen(folder) >= sizeof home)
        return;
    strcpy(home, folder);
    home_bytes = strlen(home);
    fail_at = fail ? atol(fail) : 0;
    log_fd = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

/* The path below the folder; NULL for any other. */
static const char *inside(const char *path) {
    if (log_fd < 0 || !path || strncmp(path, home, home_bytes) != 0)
        return NULL;
    if (path[home_bytes] == 0)
        return path + home_bytes;
    return path[home_bytes] == '/' ? path + home_bytes + 1 : NULL;
}

static int is_followed(int fd) {
    return fd >= 0 && fd < DESCRIPTORS_MAX && followed[fd];
}

static uint64_t inode_of(int fd) {
    struct stat stat;
    return fstat(fd, &stat) == 0 ? stat.st_ino : 0;
}

static void record(struct head head, const char *text, const void *data) {
    head.text_bytes = strlen(text);
    struct iovec parts[3] = {{&head, sizeof head},
                             {(void *)text, head.text_bytes},
                             {(void *)data, head.data_bytes}};
    ssize_t all = sizeof head + head.text_bytes + head.data_bytes;
    /* Without its record a change would be taken for none: better no node than a wrong verdict. */
    if (syscall(SYS_writev, log_fd, parts, 3) != all)
        abort();
}

static int opening(const char *called, int dir, const char *path, int flags, mode_t mode) {
    const char *name = inside(path);
    int changes = flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC);
    int at = strncmp(called, "openat", 6) == 0;
    int (*next)(const char *, int, ...) = (int (*)(const char *, int, ...))real(called);
    int (*next_at)(int, const char *, int, ...) = (int (*)(int, const char *, int, ...))(void *)next;
    if (!name || !changes)
        return at ? next_at(dir, path, flags, mode) : next(path, flags, mode);
    pthread_mutex_lock(&lock);
    int existed = access(path, F_OK) == 0;
    int fd = at ? next_at(dir, path, flags, mode) : next(path, flags, mode);
    int error = errno;
    if (fd >= DESCRIPTORS_MAX)
        abort();
    if (fd >= 0) {
        followed[fd] = 1;
        struct head head = {.kind = 'O', .inode = inode_of(fd)};
        head.flags = (existed ? 0 : CREATED) | (flags & O_TRUNC ? EMPTIED : 0);
        record(head, name, "");
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return fd;
}

#define MODE(flags)                                                                                \
    mode_t mode = 0;                                                                               \
    if ((flags) & (O_CREAT | O_TMPFILE)) {                                                         \
        va_list more;                                                                              \
        va_start(more, flags);                                                                     \
        mode = va_arg(more, mode_t);                                                               \
        va_end(more);                                                                              \
    }

int open(const char *path, int flags, ...) {
    MODE(flags)
    return opening("open", AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    MODE(flags)
    return opening("open64", AT_FDCWD, path, flags, mode);
}

int openat(int dir, const char *path, int flags, ...) {
    MODE(flags)
    return opening("openat", dir, path, flags, mode);
}

int openat64(int dir, const char *path, int flags, ...) {
    MODE(flags)
    return opening("openat64", dir, path, flags, mode);
}

int close(int fd) {
    if (fd >= 0 && fd < DESCRIPTORS_MAX)
        followed[fd] = 0;
    return REAL(close)(fd);
}

static void wrote(int fd, const void *data, ssize_t bytes, off64_t offset) {
    if (bytes > 0) {
        struct head head = {.kind = 'W', .data_bytes = bytes, .inode = inode_of(fd), .offset = offset};
        record(head, "", data);
    }
}

ssize_t write(int fd, const void *data, size_t bytes) {
    if (!is_followed(fd))
        return REAL(write)(fd, data, bytes);
    pthread_mutex_lock(&lock);
    ssize_t done = REAL(write)(fd, data, bytes);
    int error = errno;
    wrote(fd, data, done, lseek64(fd, 0, SEEK_CUR) - done);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

ssize_t pwrite64(int fd, const void *data, size_t bytes, off64_t offset) {
    if (!is_followed(fd))
        return REAL(pwrite64)(fd, data, bytes, offset);
    pthread_mutex_lock(&lock);
    ssize_t done = REAL(pwrite64)(fd, data, bytes, offset);
    int error = errno;
    wrote(fd, data, done, offset);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset) {
    return pwrite64(fd, data, bytes, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    if (!is_followed(fd))
        return REAL(writev)(fd, parts, count);
    /* Part by part: a short count is what the caller must expect anyhow. */
    for (int n = 0; n < count; n++)
        if (parts[n].iov_len > 0)
            return write(fd, parts[n].iov_base, parts[n].iov_len);
    return 0;
}

int ftruncate64(int fd, off64_t bytes) {
    if (!is_followed(fd))
        return REAL(ftruncate64)(fd, bytes);
    pthread_mutex_lock(&lock);
    int done = REAL(ftruncate64)(fd, bytes);
    int error = errno;
    if (done == 0)
        record((struct head){.kind = 'T', .inode = inode_of(fd), .offset = bytes}, "", "");
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

int ftruncate(int fd, off_t bytes) {
    return ftruncate64(fd, bytes);
}

int fallocate64(int fd, int mode, off64_t offset, off64_t bytes) {
    if (!is_followed(fd))
        return REAL(fallocate64)(fd, mode, offset, bytes);
    pthread_mutex_lock(&lock);
    int done = REAL(fallocate64)(fd, mode, offset, bytes);
    int error = errno;
    struct stat stat;
    /* Room set aside beyond the end changes nothing that could be read; a new length does. */
    if (done == 0 && !(mode & FALLOC_FL_KEEP_SIZE) && fstat(fd, &stat) == 0)
        record((struct head){.kind = 'T', .inode = stat.st_ino, .offset = stat.st_size}, "", "");
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

int fallocate(int fd, int mode, off_t offset, off_t bytes) {
    return fallocate64(fd, mode, offset, bytes);
}

static int syncing(const char *called, int fd) {
    int (*next)(int) = (int (*)(int))real(called);
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t bytes = log_fd < 0 ? -1 : readlink(link, path, sizeof path - 1);
    path[bytes > 0 ? bytes : 0] = 0;
    const char *name = inside(path);
    struct stat stat;
    if (!name || fstat(fd, &stat) != 0)
        return next(fd);
    pthread_mutex_lock(&lock);
    int is_folder = S_ISDIR(stat.st_mode);
    if (!is_folder && strncmp(name, "ledger/", 7) == 0 && ++syncs == fail_at) {
        pthread_mutex_unlock(&lock);
        errno = EIO;
        return -1;
    }
    int done = next(fd);
    int error = errno;
    if (done == 0)
        record((struct head){.kind = is_folder ? 'D' : 'S', .inode = stat.st_ino}, name, "");
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

int fsync(int fd) {
    return syncing("fsync", fd);
}

int fdatasync(int fd) {
    return syncing("fdatasync", fd);
}

int rename(const char *from, const char *to) {
    const char *before = inside(from), *after = inside(to);
    if (!before || !after)
        return REAL(rename)(from, to);
    pthread_mutex_lock(&lock);
    int done = REAL(rename)(from, to);
    int error = errno;
    if (done == 0)
        record((struct head){.kind = 'R', .data_bytes = strlen(after)}, before, after);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

int unlink(const char *path) {
    const char *name = inside(path);
    if (!name)
        return REAL(unlink)(path);
    pthread_mutex_lock(&lock);
    int done = REAL(unlink)(path);
    int error = errno;
    if (done == 0)
        record((struct head){.kind = 'U'}, name, "");
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

void *mmap64(void *where, size_t bytes, int may, int flags, int fd, off64_t offset) {
    if (is_followed(fd) && (may & PROT_WRITE) && (flags & MAP_SHARED)) {
        pthread_mutex_lock(&lock);
        record((struct head){.kind = 'A', .inode = inode_of(fd)}, "", "");
        pthread_mutex_unlock(&lock);
    }
    return REAL(mmap64)(where, bytes, may, flags, fd, offset);
}

void *mmap(void *where, size_t bytes, int may, int flags, int fd, off_t offset) {
    return mmap64(where, bytes, may, flags, fd, offset);
}
