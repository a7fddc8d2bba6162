#include "confine.h"

#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>

void confine_rights(void)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        abort();
}

void confine_files(void)
{
    umask(077);
}
