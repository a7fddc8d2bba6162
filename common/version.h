/* version.h -- the version of this build, from git at build time. */
#ifndef COMMON_VERSION_H
#define COMMON_VERSION_H

extern const char stockd_version[];

#endif
