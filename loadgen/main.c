/* main.c -- stockload: its commands are in commands.h. */
#include "commands.h"
#include "startup.h"

int main(int argc, char **argv)
{
    startup_confine_rights();
    startup_keep_standard();
    return cli_main(commands_stockload(), argc, argv);
}
