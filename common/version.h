/* version.h -- the version of this build with its commit, as in "0.9.0 (edc7fde)"; the Makefile
 * makes it. */
#pragma once

extern const char stockd_version[];
