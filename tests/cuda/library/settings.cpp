/* The environment, what is said, and what is counted. */

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "cuda_on_cpu.h"

Sums sums;

const char *setting(const char *name, const char *otherwise) {
    const char *value = getenv((std::string("CUDA_ON_CPU_") + name).c_str());
    return value && *value ? value : otherwise;
}

long number_set(const char *name, long otherwise) {
    const char *value = setting(name, NULL);
    return value ? atol(value) : otherwise;
}

void say(const char *format, ...) {
    va_list list;
    va_start(list, format);
    fputs("CUDA on the CPU: ", stderr);
    vfprintf(stderr, format, list);
    fputc('\n', stderr);
    va_end(list);
}

void note(const char *format, ...) {
    const char *name = setting("LOG", NULL);
    FILE *log = name ? fopen(name, "a") : NULL;
    if (!log)
        return;
    va_list list;
    va_start(list, format);
    vfprintf(log, format, list);
    fputc('\n', log);
    va_end(list);
    fclose(log);
}

double now() {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}
