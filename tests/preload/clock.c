/* clock.c -- a library to be loaded before the C library of a redis-server (LD_PRELOAD): its wall
 * clock is REDIS_CLOCK_OFF_MS off. So a store that was kept long ago finds the time at which it was
 * kept: what was held still is, and no key has expired.
 */
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS INT64_C(1000000000)

static int64_t off_ns;

__attribute__((constructor)) static void read_offset(void)
{
    const char *off_ms = getenv("REDIS_CLOCK_OFF_MS");
    off_ns = off_ms ? strtoll(off_ms, NULL, 10) * 1000000 : 0;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    long rc = syscall(SYS_clock_gettime, clock, now);
    if (rc != 0 || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE))
        return (int)rc;
    int64_t ns = now->tv_sec * SECOND_NS + now->tv_nsec + off_ns;
    *now = (struct timespec){.tv_sec = ns / SECOND_NS, .tv_nsec = ns % SECOND_NS};
    return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    *now = (struct timeval){.tv_sec = at.tv_sec, .tv_usec = at.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *now)
{
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    if (now)
        *now = at.tv_sec;
    return at.tv_sec;
}
