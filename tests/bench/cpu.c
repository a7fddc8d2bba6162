/* cpu.c -- runs a program and says how much processor time it and its children took.
 *
 *   cpu FILE PROGRAM [ARGUMENT...]     writes "seconds" (user and system) to FILE
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: cpu FILE PROGRAM [ARGUMENT...]\n");
        return 64;
    }
    pid_t pid = fork();
    if (pid == 0) {
        execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }
    int status = 0;
    struct rusage use;
    FILE *out = fopen(argv[1], "w");
    if (pid < 0 || !out || waitpid(pid, &status, 0) != pid ||
        getrusage(RUSAGE_CHILDREN, &use) < 0 ||
        fprintf(out, "%.3f\n", seconds(use.ru_utime) + seconds(use.ru_stime)) < 0 ||
        fclose(out) != 0) {
        perror("cpu");
        return EXIT_FAILURE;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}
