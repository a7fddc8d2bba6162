#include "process/rights.h"
#include "fail.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* --- whom to become --------------------------------------------------------------------------- */

bool rights_find(const struct config *config, struct rights_user *user, char *err, size_t err_size)
{
    const char *name = config->user;
    *user = (struct rights_user){.name = NULL};
    if (!name)
        return true;
    errno = 0;
    const struct passwd *entry = getpwnam(name);
    if (!entry)
        return fail_with(err, err_size, "--user %s: %s", name,
                         errno ? strerror(errno) : "there is no such user");
    if (entry->pw_uid == 0)
        return fail_with(err, err_size, "--user %s: that is root, who has every right", name);
    if (geteuid() != 0 && geteuid() != entry->pw_uid)
        return fail_with(err, err_size,
                         "--user %s: only root can become another user, and this is user %u", name,
                         (unsigned)geteuid());
    *user = (struct rights_user){.name = name, .uid = entry->pw_uid, .gid = entry->pw_gid};
    return true;
}

/* --- giving up -------------------------------------------------------------------------------- */

/* 0 would do for files, but not for a program that the kernel pipes a dump to; 1 does for both. A
 * lower limit that is there already can not be raised, and need not be. */
static void forbid_core_dumps(void)
{
    struct rlimit limit = {.rlim_cur = 1, .rlim_max = 1};
    if (setrlimit(RLIMIT_CORE, &limit) < 0) {
        limit.rlim_cur = limit.rlim_max = 0;
        (void)setrlimit(RLIMIT_CORE, &limit);
    }
}

/* One that is there is left as it is: whose it is, and who may write there, is looked at later. */
static bool make_data_dir(const struct config *config, const struct rights_user *user, char *err,
                          size_t err_size)
{
    if (config->redis || (mkdir(config->data_dir, 0700) < 0 && errno == EEXIST))
        return true;
    int fd = open(config->data_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool given = fd >= 0 && fchown(fd, user->uid, user->gid) == 0;
    int why = errno;
    if (fd >= 0)
        close(fd);
    return given || fail_with(err, err_size, "cannot make %s for user %s: %s", config->data_dir,
                              user->name, strerror(why));
}

static int become(const struct rights_user *user)
{
    if (initgroups(user->name, user->gid) < 0 || setresgid(user->gid, user->gid, user->gid) < 0 ||
        setresuid(user->uid, user->uid, user->uid) < 0)
        return -errno;
    /* A process that has changed its user hides what it is like, also from its own kind, which
     * counts its descriptors (stats.h). It has no secrets that its parent had not. */
    (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    return 0;
}

/* That of a port below 1024 is what a service may have been started with; the port is bound. */
static int drop_capabilities(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    struct __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3];
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); /* with the others, too */
    /* Who has none may be kept from asking for less, as by our units. */
    if (syscall(SYS_capget, &head, held) == 0 && memcmp(held, none, sizeof(none)) == 0)
        return 0;
    return syscall(SYS_capset, &head, none) < 0 ? -errno : 0;
}

/* What no program that is run could get back; only root may, and whoever has that capability. */
static void drop_bounds(void)
{
    for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
        (void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
}

bool rights_drop(const struct config *config, const struct rights_user *user, char *err,
                 size_t err_size)
{
    if (!config->core_dumps)
        forbid_core_dumps();
    if (user->name && geteuid() == 0) {
        if (!make_data_dir(config, user, err, err_size))
            return false;
        drop_bounds();
        int rc = become(user);
        if (rc < 0)
            return fail_with(err, err_size, "cannot become user %s: %s", user->name, strerror(-rc));
    }
    if (geteuid() == 0)
        return true; /* asked to be root, it stays root */
    int rc = drop_capabilities();
    return rc == 0 || fail_with(err, err_size, "cannot give up capabilities: %s", strerror(-rc));
}
