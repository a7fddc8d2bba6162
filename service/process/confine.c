#include "process/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- calls, by what they are for ---------------------------------------------------------------
 *
 * Names that a kernel, a processor or a libseccomp has not are passed over: the lists are those of
 * all of them. */

/* clang-format off */
#define MEMORY    "brk", "madvise", "mmap", "mmap2", "mprotect", "mremap", "msync", "munmap", "mlock", "munlock"
#define THREADS   "futex", "futex_time64", "futex_wait", "futex_waitv", "futex_wake", "futex_requeue", "get_robust_list", \
                  "set_robust_list", "set_tid_address", "rseq", "membarrier", "arch_prctl", "set_thread_area", "sched_yield", \
                  "sched_getaffinity", "sched_getparam", "sched_getscheduler", "sched_get_priority_max", \
                  "sched_get_priority_min", "getcpu"
#define TIME      "clock_getres", "clock_getres_time64", "clock_gettime", "clock_gettime64", "clock_nanosleep", \
                  "clock_nanosleep_time64", "gettimeofday", "nanosleep", "time", "times", "timerfd_create", \
                  "timerfd_gettime", "timerfd_settime", "timerfd_settime64"
#define SIGNALS   "restart_syscall", "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend", \
                  "rt_sigtimedwait", "rt_sigtimedwait_time64", "sigaltstack", "sigreturn", "signalfd4"
#define ITSELF    "exit", "exit_group", "getegid", "getegid32", "geteuid", "geteuid32", "getgid", "getgid32", "getpgrp", "getpid", \
                  "getppid", "getrandom", "getresgid", "getresuid", "getrlimit", "getrusage", "gettid", "getuid", "getuid32", \
                  "prctl", "sysinfo", "ugetrlimit", "umask", "uname"
#define WAITING   "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd", \
                  "eventfd2", "inotify_add_watch", "inotify_init1", "inotify_rm_watch", "pipe", "pipe2", "poll", "ppoll", "ppoll_time64", "pselect6", "pselect6_time64", "select", "_newselect"
#define OPEN_ONES "close", "dup", "dup2", "dup3", "fcntl", "fcntl64", "fstat", "fstat64", "fstatfs", "fstatfs64", "_llseek", \
                  "lseek", "pread64", "preadv", "pwrite64", "pwritev", "read", "readv", "write", "writev"
#define LOOKING   "access", "faccessat", "faccessat2", "fstatat64", "getcwd", "getdents", "getdents64", "lstat", "lstat64", \
                  "newfstatat", "readlink", "readlinkat", "stat", "stat64", "statfs", "statfs64", "statx"
#define SOCKETS   "getpeername", "getsockname", "getsockopt", "recvfrom", "recvmmsg", "recvmmsg_time64", "recvmsg", \
                  "sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown"
#define ALWAYS    MEMORY, THREADS, TIME, SIGNALS, ITSELF, WAITING, OPEN_ONES, LOOKING, SOCKETS
#define CONNECTS  "bind", "connect" /* bind: a look-up of a name asks the kernel for its addresses */
#define ACCEPTS   "accept", "accept4", "listen"
/* SQLite's, those of an access log, and when API keys were used; chown, since SQLite gives its files to the
 * database's owner, and stockd its to that of the keys. */
#define WRITES    "chmod", "creat", "fallocate", "fchmod", "fchmodat", "fchown", "fchown32", "fdatasync", "flock", "fsync", \
                  "ftruncate", "ftruncate64", "mkdir", "mkdirat", "open", "openat", "rename", "renameat", "renameat2", "rmdir", \
                  "sync_file_range", "truncate", "truncate64", "unlink", "unlinkat"

static const char *const worker_calls[] = {ALWAYS, CONNECTS, ACCEPTS, WRITES, NULL};
static const char *const keeper_calls[] = {ALWAYS, CONNECTS, WRITES, NULL};
static const char *const ledger_calls[] = {ALWAYS, CONNECTS, WRITES, NULL};
static const char *const hooks_calls[] = {ALWAYS, CONNECTS, WRITES, "socketpair", NULL}; /* libcurl's look-ups */
static const char *const port_calls[] = {ALWAYS, ACCEPTS, NULL};

/* What neither a parent needs nor any child of it, redis-server among them. */
static const char *const nobodys_calls[] = {
    /* into other processes */
    "kcmp", "perf_event_open", "pidfd_getfd", "process_madvise", "process_vm_readv", "process_vm_writev", "ptrace",
    /* more rights, or somebody else's */
    "capset", "setfsgid", "setfsgid32", "setfsuid", "setfsuid32", "setgid", "setgid32", "setgroups", "setgroups32", "setregid",
    "setregid32", "setresgid", "setresgid32", "setresuid", "setresuid32", "setreuid", "setreuid32", "setuid", "setuid32",
    /* another view of the machine */
    "chroot", "fsconfig", "fsmount", "fsopen", "fspick", "mount", "mount_setattr", "move_mount", "open_tree", "pivot_root",
    "setns", "umount", "umount2", "unshare",
    /* the machine itself */
    "acct", "adjtimex", "clock_adjtime", "clock_adjtime64", "clock_settime", "clock_settime64", "delete_module", "finit_module",
    "init_module", "ioperm", "iopl", "kexec_file_load", "kexec_load", "quotactl", "quotactl_fd", "reboot", "setdomainname",
    "sethostname", "settimeofday", "stime", "swapoff", "swapon", "syslog", "vhangup",
    /* large, and where kernels break */
    "add_key", "bpf", "io_uring_enter", "io_uring_register", "io_uring_setup", "keyctl", "modify_ldt", "request_key", "userfaultfd",
    /* files past their names, and devices */
    "fanotify_init", "lookup_dcookie", "mknod", "mknodat", "name_to_handle_at", "open_by_handle_at", "uselib",
    NULL};
/* clang-format on */

static const struct {
    const char *const *calls;
    bool connects, reads; /* reads: it opens files to read only */
} kinds[CONFINE_KINDS] = {
    [CONFINE_WORKER] = {worker_calls, true, false}, [CONFINE_KEEPER] = {keeper_calls, true, false},
    [CONFINE_LEDGER] = {ledger_calls, true, false}, [CONFINE_HOOKS] = {hooks_calls, true, false},
    [CONFINE_PORT] = {port_calls, false, true},
};

/* --- rules ------------------------------------------------------------------------------------ */

/* A call that is not of this processor has a number below 0. */
static int add_rule(scmp_filter_ctx filter, uint32_t action, const char *name, unsigned count,
                    const struct scmp_arg_cmp *args)
{
    int number = seccomp_syscall_resolve_name(name);
    return number < 0 ? 0 : seccomp_rule_add_array(filter, action, number, count, args);
}

static int add_all(scmp_filter_ctx filter, uint32_t action, const char *const *names)
{
    int rc = 0;
    for (; *names && rc == 0; names++)
        rc = add_rule(filter, action, *names, 0, NULL);
    return rc;
}

static struct scmp_arg_cmp equals(unsigned arg, uint64_t value)
{
    return (struct scmp_arg_cmp){.arg = arg, .op = SCMP_CMP_EQ, .datum_a = value};
}

static struct scmp_arg_cmp masked(unsigned arg, uint64_t mask, uint64_t value)
{
    return (struct scmp_arg_cmp){
        .arg = arg, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};
}

static int allow_values(scmp_filter_ctx filter, const char *name, unsigned arg,
                        const uint64_t *values, size_t count)
{
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        struct scmp_arg_cmp value = equals(arg, values[i]);
        rc = add_rule(filter, SCMP_ACT_ALLOW, name, 1, &value);
    }
    return rc;
}

/* Threads, and no processes. What clone3() asks for lies where a filter cannot look: without it the
 * C library takes clone(). */
static int allow_threads(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp thread = masked(0, CLONE_THREAD, CLONE_THREAD);
    return add_rule(filter, SCMP_ACT_ALLOW, "clone", 1, &thread);
}

static int allow_opening_to_read(scmp_filter_ctx filter)
{
    const uint64_t changes = O_ACCMODE | O_CREAT | O_TRUNC;
    const struct scmp_arg_cmp open = masked(1, changes, O_RDONLY);
    const struct scmp_arg_cmp openat = masked(2, changes, O_RDONLY);
    int rc = add_rule(filter, SCMP_ACT_ALLOW, "open", 1, &open);
    return rc < 0 ? rc : add_rule(filter, SCMP_ACT_ALLOW, "openat", 1, &openat);
}

static int allow_by_value(scmp_filter_ctx filter, enum confine_kind kind)
{
    static const uint64_t families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
    static const uint64_t controls[] = {FIOCLEX, FIONBIO, FIONCLEX, FIONREAD, TCGETS, TIOCGWINSZ};
    static const uint64_t own_pid[] = {0};
    int rc = allow_threads(filter);
    if (rc == 0)
        rc = allow_values(filter, "ioctl", 1, controls, sizeof(controls) / sizeof(controls[0]));
    if (rc == 0)
        rc = allow_values(filter, "prlimit64", 0, own_pid, 1);
    if (rc == 0) {
        const uint64_t pid = (uint64_t)getpid(); /* how abort() ends a process */
        rc = allow_values(filter, "tgkill", 0, &pid, 1);
    }
    if (rc == 0 && kinds[kind].connects)
        rc = allow_values(filter, "socket", 0, families, sizeof(families) / sizeof(families[0]));
    if (rc == 0 && kinds[kind].reads)
        rc = allow_opening_to_read(filter);
    return rc;
}

/* Namespaces are made by clone() as well. */
static int deny_nobodys(scmp_filter_ctx filter)
{
    static const uint64_t spaces[] = {CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWPID,   CLONE_NEWNET,
                                      CLONE_NEWIPC,  CLONE_NEWUTS, CLONE_NEWCGROUP};
    int rc = add_all(filter, SCMP_ACT_ERRNO(EPERM), nobodys_calls);
    for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]) && rc == 0; i++) {
        struct scmp_arg_cmp space = masked(0, spaces[i], spaces[i]);
        rc = add_rule(filter, SCMP_ACT_ERRNO(EPERM), "clone", 1, &space);
    }
    return rc < 0 ? rc : add_rule(filter, SCMP_ACT_ERRNO(ENOSYS), "clone3", 0, NULL);
}

/* --- the filter ------------------------------------------------------------------------------- */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

bool confine_is_built(void)
{
    return !SANITIZED;
}

static int fill_filter(scmp_filter_ctx filter, enum confine_kind kind)
{
    int rc = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
    /* It guards against ourselves: no need to have the processor speculate less for it. */
    (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
    (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (rc == 0 && kind == CONFINE_PARENT)
        return deny_nobodys(filter);
    if (rc == 0)
        rc = add_all(filter, SCMP_ACT_ALLOW, kinds[kind].calls);
    return rc < 0 ? rc : allow_by_value(filter, kind);
}

int confine_calls(enum confine_kind kind)
{
    if (!confine_is_built())
        return 0;
    scmp_filter_ctx filter =
        seccomp_init(kind == CONFINE_PARENT ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(ENOSYS));
    if (!filter)
        return -ENOMEM;
    (void)seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1); /* the kernel's own errors */
    int rc = fill_filter(filter, kind);
    if (rc == 0)
        rc = seccomp_load(filter);
    seccomp_release(filter);
    return rc;
}
