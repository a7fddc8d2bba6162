/* main.c -- stockd: its commands are in command/commands.h. */
#include "command/commands.h"
#include "startup.h"

int main(int argc, char **argv)
{
    startup_confine_rights();
    startup_confine_files();
    startup_keep_standard();
    return cli_main(&commands_stockd, argc, argv);
}
