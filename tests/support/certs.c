/* certs.c -- see certs.h. */
#include "support/certs.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define KEY "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"

/* Runs shell commands in the directory; what they print is shown only if they fail. */
__attribute__((format(printf, 2, 3))) static int run(const struct certs *c, const char *format, ...)
{
    char commands[1024], line[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(commands, sizeof(commands), format, args);
    va_end(args);
    snprintf(line, sizeof(line),
             "cd '%s' && { { %s; } >openssl.log 2>&1 || { cat openssl.log >&2; false; }; }", c->dir,
             commands);
    return system(line) == 0 ? 0 : -1;
}

int certs_begin(struct certs *c)
{
    return temp_dir_make(c->dir) == 0 ? 0 : -1;
}

void certs_end(struct certs *c)
{
    if (c->dir[0])
        temp_dir_remove(c->dir);
    c->dir[0] = '\0';
}

int certs_make_ca(const struct certs *c, const char *name)
{
    return run(c, "openssl req -x509 " KEY " -keyout %s.key -out %s.pem -days 30 -subj /CN=%s",
               name, name, name);
}

int certs_make(const struct certs *c, const char *name, const char *ca, const char *san, int days)
{
    return run(c,
               "openssl req " KEY " -keyout %s.key -out %s.csr -subj /CN=%s && "
               "echo subjectAltName=%s >%s.ext && "
               "openssl x509 -req -in %s.csr -CA %s.pem -CAkey %s.key -CAcreateserial -days %d "
               "-extfile %s.ext -out %s.pem",
               name, name, name, san, name, name, ca, ca, days, name, name);
}

int certs_begin_redis(struct certs *c)
{
    if (certs_begin(c) == 0 && certs_make_ca(c, "ca") == 0 &&
        certs_make(c, "redis", "ca", "IP:127.0.0.1,DNS:localhost", 30) == 0)
        return certs_make(c, "client", "ca", "DNS:stockd", 30);
    return -1;
}

int certs_copy(const struct certs *c, const char *from, const char *to)
{
    return run(c, "cp %s.pem new && mv new %s.pem && cp %s.key new && mv new %s.key", from, to,
               from, to);
}

const char *certs_path(const struct certs *c, const char *name, const char *kind,
                       char path[CERTS_PATH_MAX])
{
    snprintf(path, CERTS_PATH_MAX, "%s/%s.%s", c->dir, name, kind);
    return path;
}
