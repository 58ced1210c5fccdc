/* libnvrtc.so as libgpuarray finds it: NVIDIA's, asked for what it understands.

   libgpuarray 0.7.6 asks for the card's own architecture, but cuts it to two digits: for a
   card of 12.0 it asks for compute_12, which no compiler knows. It gets compute_90, which
   drivers translate for every newer card. All other functions are those of NVIDIA's
   library, to which this one is linked. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>

int nvrtcCompileProgram(void *program, int number, const char **options) {
    int (*theirs)(void *, int, const char **);
    *(void **) &theirs = dlsym(RTLD_NEXT, "nvrtcCompileProgram");
    const char *changed[number + 1];
    for (int i = 0; i < number; i++) {
        int cut = strlen(options[i]) == strlen("compute_1x") &&
                  !strncmp(options[i], "compute_1", strlen("compute_1"));
        changed[i] = cut ? "compute_90" : options[i];
    }
    return theirs(program, number, changed);
}
