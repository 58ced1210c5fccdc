/* What the files of this library share. driver.cpp says what it is, and what it is not. */

#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#define API extern "C" __attribute__((visibility("default")))

typedef unsigned long long address; /* in the device's memory */

/* The driver's numbers for what goes wrong. */
enum {
    OK = 0, INVALID = 1, OUT_OF_MEMORY = 2, NOT_INITIALIZED = 3, NO_DEVICE = 100,
    BAD_DEVICE = 101, BAD_IMAGE = 200, NO_CONTEXT = 201, BAD_TOOLCHAIN = 222,
    NOT_FOUND = 500, ILLEGAL_ADDRESS = 700, NOT_SUPPORTED = 801
};

const unsigned MOST_THREADS = 1024;   /* of a block */
const unsigned MOST_SHARED = 49152;   /* bytes of a block */

/* settings.cpp: the environment, what is said, and what is counted */

/* The variable CUDA_ON_CPU_<name>, or `otherwise` where it is not set or empty. */
const char *setting(const char *name, const char *otherwise);
long number_set(const char *name, long otherwise);

void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A line for the file that CUDA_ON_CPU_LOG names. */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
double now();

struct Sums {
    long compiled, cached, launches, with_barriers, products;
    double compiling, computing, multiplying;
    size_t held, peak; /* bytes */
};
extern Sums sums;

/* memory.cpp: the device's memory */

void prepare_memory();
address take(size_t size); /* 0 where there is none */
bool give(address begin);
/* Whether n bytes from `a` on are within one piece of the device's memory. */
bool on_device(address a, size_t n);

/* While one lives, this library and the kernels may touch the device's memory. */
struct Door {
    Door();
    ~Door();
};

/* threads.cpp: a kernel, and the blocks and threads of one launch */

struct Dim {
    unsigned x, y, z;
};

/* What a kernel knows of its place; the same in device.h. */
struct State {
    Dim thread, block, block_dim, grid_dim;
    char *dynamic;
    void (*barrier)(int site);
};

struct Kernel {
    std::string name;
    State *state;
    void (*thread)(void **arguments);
    void (*block)(void **arguments, const unsigned *order, unsigned threads);
    char *shared; /* shared memory of fixed size */
    size_t shared_size;
    bool barriers;
};

void run_blocks(Kernel *kernel, unsigned dynamic, void **arguments);

/* launch.cpp */

/* After a fault in a kernel nothing works any more, as on a card; else 0. */
extern int broken;
int launch(Kernel *kernel, Dim grid, Dim block, unsigned dynamic, void **arguments);

/* compiler.cpp: CUDA C to a shared object */

/* What stands at the beginning of the "PTX"; a path follows. */
extern const std::string MARK;
struct Program {
    std::string source, log, ptx;
    std::map<std::string, std::string> headers; /* text by name */
};
bool compile(Program *program, const std::string &architecture);

/* nvrtc.cpp */

API int nvrtcVersion(int *major, int *minor);

/* driver.cpp */

API int cuDriverGetVersion(int *version);
bool has_context();
/* What every function but cuInit gives where the device cannot be used, or 0. */
int not_ready(const char *function, bool needs_context);
#define READY if (int error = not_ready(__func__, false)) return error
#define CONTEXT if (int error = not_ready(__func__, true)) return error
