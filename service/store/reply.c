#include "store/reply.h"

static const struct {
    const char *word;
    enum reply_class class;
} classes[] = {
    {"LOADING", REPLY_RETRY},    {"BUSY", REPLY_RETRY},          {"TRYAGAIN", REPLY_RETRY},
    {"MISCONF", REPLY_REFUSED},  {"OOM", REPLY_REFUSED},         {"NOREPLICAS", REPLY_REFUSED},
    {"READONLY", REPLY_REPLICA}, {"MASTERDOWN", REPLY_REPLICA},  {"UNBLOCKED", REPLY_REPLICA},
    {"MOVED", REPLY_REDIRECT},   {"ASK", REPLY_REDIRECT},        {"CLUSTERDOWN", REPLY_REDIRECT},
    {"NOAUTH", REPLY_FORBIDDEN}, {"WRONGPASS", REPLY_FORBIDDEN}, {"NOPERM", REPLY_FORBIDDEN},
};
#define CLASSES (sizeof(classes) / sizeof(classes[0]))

static const struct str because = {"because of: ", sizeof("because of: ") - 1};

static bool begins(struct str text, const char *word)
{
    size_t n = strlen(word);
    return text.n >= n && memcmp(text.p, word, n) == 0 && (text.n == n || text.p[n] == ' ');
}

bool reply_is_execabort(struct str error)
{
    return begins(error, "EXECABORT");
}

enum reply_class reply_classify(struct str error)
{
    if (reply_is_execabort(error)) {
        const char *cause = memmem(error.p, error.n, because.p, because.n);
        if (!cause)
            return REPLY_BROKEN;
        cause += because.n;
        error = (struct str){cause, (size_t)(error.p + error.n - cause)};
    }
    for (size_t i = 0; i < CLASSES; i++)
        if (begins(error, classes[i].word))
            return classes[i].class;
    if (error.n >= 31 && memcmp(error.p, "ERR max number of clients reached", 31) == 0)
        return REPLY_RETRY;
    return REPLY_BROKEN;
}
