/* fault.c -- see fault.h. */
#include "shop/fault.h"

#include <assert.h>
#include <ctype.h>

#define FAULT_NAME_SIZE 24

#define FAULT_NAME(name) #name,
static char names[][FAULT_NAME_SIZE] = {EACH_FAULT(FAULT_NAME)};
const char *fault_names[FAULTS + 1];

void fault_make_names(void)
{
    for (unsigned i = 0; i < FAULTS; i++) {
        for (char *p = names[i]; *p; p++)
            *p = *p == '_' ? '-' : (char)tolower(*p);
        fault_names[i] = names[i];
    }
}

bool fault_fires(struct fault_plan *p, enum fault fault)
{
    assert(p->every > 0);
    if (p->fault != fault || fault == FAULT_NONE)
        return false;
    bool turn = ++p->seen % p->every == 0;
    p->fired += turn;
    return turn;
}
