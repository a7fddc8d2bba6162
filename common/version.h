/* version.h -- the version of this build, from git at build time. */
#pragma once

extern const char stockd_version[];
