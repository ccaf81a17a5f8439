/* Fails the n-th call that would write below a folder, for a process that is started with LD_PRELOAD.

   DISK_FAULTS_ROOT is the folder. DISK_FAULTS_CONTROL is a file with a `struct control`, which the test changes meanwhile. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

struct control {
    int remaining; /* calls until one fails; 0: none does */
    int error;
    int lasting; /* whether those after it fail too, as on a full disk */
    int calls;   /* calls since `remaining` was set */
    int failures;
    char name[44]; /* of the call that failed first */
    char path[200];
};

static struct control *control;
static const char *root;
static size_t root_length;

__attribute__((constructor)) static void load(void) {
    const char *file = getenv("DISK_FAULTS_CONTROL");
    root = getenv("DISK_FAULTS_ROOT");
    int descriptor = file && root ? open(file, O_RDWR | O_CLOEXEC) : -1;
    if (descriptor < 0) return;
    root_length = strlen(root);
    void *mapped = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    close(descriptor);
    if (mapped != MAP_FAILED) control = mapped;
}

static int is_below(const char *path) {
    return strncmp(path, root, root_length) == 0 && (path[root_length] == '/' || !path[root_length]);
}

/* Whether this call is the one that fails. A full disk refuses only what `allocates`. */
static int fails_at(const char *name, const char *path, int allocates) {
    if (!is_below(path)) return 0;
    int call = __atomic_add_fetch(&control->calls, 1, __ATOMIC_SEQ_CST);
    int again = control->lasting && call > control->remaining;
    if ((call != control->remaining && !again) || (control->error == ENOSPC && !allocates)) return 0;
    if (!control->failures++) {
        snprintf(control->name, sizeof control->name, "%s", name);
        snprintf(control->path, sizeof control->path, "%s", path + root_length);
    }
    errno = control->error;
    return 1;
}

static int fails(const char *name, int folder, const char *path, int allocates) {
    char base[PATH_MAX] = "", whole[2 * PATH_MAX], link[64];
    if (!control || !control->remaining) return 0;
    int saved = errno;
    if (path[0] != '/') {
        snprintf(link, sizeof link, folder == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", folder);
        ssize_t length = readlink(link, base, sizeof base - 1);
        base[length < 0 ? 0 : length] = 0;
        snprintf(whole, sizeof whole, "%s/%s", base, path);
    } else {
        snprintf(whole, sizeof whole, "%s", path);
    }
    errno = saved;
    return fails_at(name, whole, allocates);
}

static int fails_on(const char *name, int descriptor, int allocates) {
    char link[64], path[PATH_MAX];
    int saved = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    errno = saved;
    if (length < 0) return 0;
    path[length] = 0;
    return fails_at(name, path, allocates);
}

/* Whether a write makes its file larger. */
static int grows(int descriptor, off_t at, size_t size) {
    struct stat status;
    return fstat(descriptor, &status) != 0 || at + (off_t)size > status.st_size;
}

static off_t position(int descriptor) {
    int flags = fcntl(descriptor, F_GETFL);
    off_t at = lseek(descriptor, 0, flags >= 0 && flags & O_APPEND ? SEEK_END : SEEK_CUR);
    return at < 0 ? 0 : at;
}

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define ON_DESCRIPTOR(result, name, allocates, parameters, arguments) \
    result name parameters { \
        REAL(name); \
        return control && control->remaining && fails_on(#name, descriptor, allocates) ? -1 : real arguments; \
    }

#define ON_PATH(result, name, folder, path, allocates, parameters, arguments) \
    result name parameters { \
        REAL(name); \
        return fails(#name, folder, path, allocates) ? -1 : real arguments; \
    }

ON_DESCRIPTOR(ssize_t, write, grows(descriptor, position(descriptor), size), (int descriptor, const void *data, size_t size),
              (descriptor, data, size))
ON_DESCRIPTOR(ssize_t, writev, 1, (int descriptor, const struct iovec *parts, int count), (descriptor, parts, count))
ON_DESCRIPTOR(ssize_t, pwrite, grows(descriptor, at, size), (int descriptor, const void *data, size_t size, off_t at),
              (descriptor, data, size, at))
ON_DESCRIPTOR(ssize_t, pwrite64, grows(descriptor, at, size), (int descriptor, const void *data, size_t size, off64_t at),
              (descriptor, data, size, at))
ON_DESCRIPTOR(int, fsync, 0, (int descriptor), (descriptor))
ON_DESCRIPTOR(int, fdatasync, 0, (int descriptor), (descriptor))
ON_DESCRIPTOR(int, ftruncate, 0, (int descriptor, off_t size), (descriptor, size))
ON_DESCRIPTOR(int, ftruncate64, 0, (int descriptor, off64_t size), (descriptor, size))
ON_DESCRIPTOR(int, fallocate, 1, (int descriptor, int mode, off_t at, off_t size), (descriptor, mode, at, size))
ON_PATH(int, truncate, AT_FDCWD, path, 0, (const char *path, off_t size), (path, size))
ON_PATH(int, truncate64, AT_FDCWD, path, 0, (const char *path, off64_t size), (path, size))
ON_PATH(int, mkdir, AT_FDCWD, path, 1, (const char *path, mode_t mode), (path, mode))
ON_PATH(int, rename, AT_FDCWD, to, 0, (const char *from, const char *to), (from, to))
ON_PATH(int, link, AT_FDCWD, to, 1, (const char *from, const char *to), (from, to))
ON_PATH(int, linkat, folder, to, 1, (int source, const char *from, int folder, const char *to, int flags),
        (source, from, folder, to, flags))
ON_PATH(int, symlink, AT_FDCWD, to, 1, (const char *content, const char *to), (content, to))

#define OPEN(name, folder, parameters, arguments) \
    int name parameters { \
        REAL(name); \
        mode_t mode = 0; \
        if (flags & (O_CREAT | __O_TMPFILE)) { \
            va_list rest; \
            va_start(rest, flags); \
            mode = va_arg(rest, mode_t); \
            va_end(rest); \
        } \
        int writes = (flags & O_ACCMODE) != O_RDONLY; \
        return writes && fails(#name, folder, path, !!(flags & O_CREAT)) ? -1 : real arguments; \
    }

OPEN(open, AT_FDCWD, (const char *path, int flags, ...), (path, flags, mode))
OPEN(open64, AT_FDCWD, (const char *path, int flags, ...), (path, flags, mode))
OPEN(openat, folder, (int folder, const char *path, int flags, ...), (folder, path, flags, mode))
OPEN(openat64, folder, (int folder, const char *path, int flags, ...), (folder, path, flags, mode))
