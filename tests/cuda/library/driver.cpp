/* CUDA on the CPU: a driver, a compiler and a cuBLAS that compute, without a GPU.

   It is one library under the names libcuda, libnvrtc and libcublas. With it Theano's
   graphs for device=cuda run, through libgpuarray, pygpu and all of their C, and what
   they give can be compared with the CPU's. It is no GPU: nothing is fast or at the same
   time, streams and events order nothing, and what only a card or NVIDIA's compiler gets
   wrong stays unseen. What a card would refuse is refused as far as it is known: sizes,
   memory that is not the device's, a process forked after cuInit.

     settings.cpp  the environment          compiler.cpp  CUDA C to a shared object
     memory.cpp    memory and its guards    nvrtc.cpp     libnvrtc
     threads.cpp   blocks and threads       cublas.cpp    libcublas, products.h its loops
     launch.cpp    a kernel's launch        device.h      what kernels may use
     modules.cpp   libcuda: kernels         driver.cpp    libcuda: all the rest

   Never put it where a program may find it by itself. Settings, besides those at the
   heads of these files:
     CUDA_ON_CPU_CAPABILITY  such as 50 (90)
     CUDA_ON_CPU_DRIVER      the driver's CUDA, such as 11070 (12090)
     CUDA_ON_CPU_MB          memory of the device (8192)
     CUDA_ON_CPU_HELD_MB     of that, what another program holds (0)
     CUDA_ON_CPU_INIT        what cuInit gives, 100 for instance: no device (0) */

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cuda_on_cpu.h"

static const char NAME[] = "CUDA on the CPU";

static pid_t started_in;
static std::vector<void *> contexts; /* of the only thread that uses them */
static char the_context[8];

bool has_context() { return !contexts.empty(); }

int not_ready(const char *function, bool needs_context) {
    if (started_in != getpid()) {
        if (started_in)
            say("%s after a fork, which a card refuses", function);
        return NOT_INITIALIZED;
    }
    if (broken)
        return broken;
    return needs_context && contexts.empty() ? NO_CONTEXT : OK;
}
static bool theirs(const char *function, address a, size_t n) {
    if (!n || on_device(a, n))
        return false;
    say("%s: %zu bytes at %llx are not the device's", function, n, a);
    return true;
}
#define DEVICE(a, n) if (theirs(__func__, a, n)) return INVALID

static void at_end() {
    note("%ld kernels compiled in %.1f s, %ld found; %ld launches, %ld of them with "
         "barriers, %.2f s; %ld products, %.2f s; at most %.1f MB",
         sums.compiled, sums.compiling, sums.cached, sums.launches, sums.with_barriers,
         sums.computing, sums.products, sums.multiplying, sums.peak / 1e6);
}

/* The device */

API int cuInit(unsigned) {
    if (started_in && started_in != getpid())
        return NOT_INITIALIZED;
    if (int error = number_set("INIT", 0))
        return error;
    if (!started_in) {
        prepare_memory();
        atexit(at_end);
    }
    started_in = getpid();
    return OK;
}
API int cuDriverGetVersion(int *version) {
    *version = number_set("DRIVER", 12090);
    return OK;
}
API int cuDeviceGetCount(int *count) {
    READY;
    *count = 1;
    return OK;
}
API int cuDeviceGet(int *device, int number) {
    READY;
    *device = number;
    return number ? BAD_DEVICE : OK;
}
API int cuDeviceGetName(char *name, int size, int) {
    READY;
    snprintf(name, size, "%s", NAME);
    return OK;
}
API int cuDeviceGetPCIBusId(char *name, int size, int) {
    snprintf(name, size, "0000:00:00.0");
    return OK;
}
API int cuDeviceTotalMem_v2(size_t *size, int) {
    *size = (size_t) number_set("MB", 8192) << 20;
    return OK;
}
API int cuDeviceGetAttribute(int *value, int attribute, int) {
    READY;
    int capability = number_set("CAPABILITY", 90);
    const std::map<int, int> known = {
        {1, MOST_THREADS}, {2, MOST_THREADS}, {3, MOST_THREADS}, {4, 64}, /* block, x y z */
        {5, 2147483647}, {6, 65535}, {7, 65535},                          /* grid, x y z */
        {8, MOST_SHARED}, {10, 32 /* a warp */}, {16, 16 /* multiprocessors */},
        {41, 1 /* addresses are one space */}, {75, capability / 10},
        {76, capability % 10}};
    auto found = known.find(attribute);
    if (found == known.end()) {
        say("attribute %d of a device is not known", attribute);
        return INVALID;
    }
    *value = found->second;
    return OK;
}
API int cuDevicePrimaryCtxGetState(int, unsigned *flags, int *active) {
    READY;
    *flags = *active = 0;
    return OK;
}
API int cuDevicePrimaryCtxSetFlags(int, unsigned) {
    READY;
    return OK;
}
API int cuDevicePrimaryCtxRetain(void **context, int) {
    READY;
    *context = the_context;
    return OK;
}
API int cuDevicePrimaryCtxRelease(int) { return OK; }
API int cuCtxPushCurrent_v2(void *context) {
    READY;
    contexts.push_back(context);
    return OK;
}
API int cuCtxPopCurrent_v2(void **context) {
    if (contexts.empty())
        return NO_CONTEXT;
    if (context)
        *context = contexts.back();
    contexts.pop_back();
    return OK;
}
API int cuCtxGetDevice(int *device) {
    CONTEXT;
    *device = 0;
    return OK;
}

/* Memory */

API int cuMemGetInfo_v2(size_t *left, size_t *total) {
    CONTEXT;
    cuDeviceTotalMem_v2(total, 0);
    size_t taken = sums.held + ((size_t) number_set("HELD_MB", 0) << 20);
    *left = *total - std::min(*total, taken);
    return OK;
}
API int cuMemAlloc_v2(address *memory, size_t size) {
    CONTEXT;
    size_t left, total;
    cuMemGetInfo_v2(&left, &total);
    if (!size)
        return INVALID;
    *memory = size <= left ? take(size) : 0;
    return *memory ? OK : OUT_OF_MEMORY;
}
API int cuMemFree_v2(address memory) {
    if (give(memory))
        return OK;
    say("%llx is freed, and not the begin of a piece of the device's memory", memory);
    return INVALID;
}
/* Host memory that kernels may use too. */
API int cuMemAllocHost_v2(void **memory, size_t size) {
    CONTEXT;
    return (*memory = calloc(1, size)) ? OK : OUT_OF_MEMORY;
}
API int cuMemFreeHost(void *memory) {
    free(memory);
    return OK;
}
API int cuMemcpyDtoDAsync_v2(address to, address from, size_t size, void *) {
    CONTEXT;
    DEVICE(to, size);
    DEVICE(from, size);
    Door open;
    memmove((void *) to, (void *) from, size);
    return OK;
}
API int cuMemcpyDtoHAsync_v2(void *to, address from, size_t size, void *) {
    CONTEXT;
    DEVICE(from, size);
    Door open;
    memcpy(to, (void *) from, size);
    return OK;
}
API int cuMemcpyHtoD_v2(address to, const void *from, size_t size) {
    CONTEXT;
    DEVICE(to, size);
    Door open;
    memcpy((void *) to, from, size);
    return OK;
}
API int cuMemcpyHtoDAsync_v2(address to, const void *from, size_t size, void *) {
    return cuMemcpyHtoD_v2(to, from, size);
}
API int cuMemcpyPeerAsync(address to, void *, address from, void *, size_t size, void *stream) {
    return cuMemcpyDtoDAsync_v2(to, from, size, stream);
}
API int cuMemsetD8Async(address memory, unsigned char value, size_t size, void *) {
    CONTEXT;
    DEVICE(memory, size);
    Door open;
    memset((void *) memory, value, size);
    return OK;
}

/* All is done at once. */
API int cuStreamCreate(void **stream, unsigned) {
    CONTEXT;
    *stream = the_context;
    return OK;
}
API int cuStreamDestroy_v2(void *) { return OK; }
API int cuStreamSynchronize(void *) {
    CONTEXT;
    return OK;
}
API int cuStreamWaitEvent(void *, void *, unsigned) {
    CONTEXT;
    return OK;
}
API int cuEventCreate(void **event, unsigned flags) { return cuStreamCreate(event, flags); }
API int cuEventDestroy_v2(void *) { return OK; }
API int cuEventRecord(void *, void *stream) { return cuStreamSynchronize(stream); }
API int cuEventSynchronize(void *event) { return cuStreamSynchronize(event); }

/* NVIDIA's own compiler, from CUDA 12 on, asks for private functions of the driver's. */
API int cuGetExportTable(const void **, const void *) { return NOT_SUPPORTED; }
API int cuIpcGetMemHandle(void) { return NOT_SUPPORTED; }
API int cuIpcOpenMemHandle(void) { return NOT_SUPPORTED; }
API int cuIpcCloseMemHandle(void) { return NOT_SUPPORTED; }

/* NVIDIA's own words, for what this library gives. */
API int cuGetErrorString(int error, const char **text) {
    static const std::map<int, const char *> texts = {
        {OK, "no error"}, {INVALID, "invalid argument"}, {OUT_OF_MEMORY, "out of memory"},
        {NOT_INITIALIZED, "initialization error"},
        {NO_DEVICE, "no CUDA-capable device is detected"},
        {BAD_DEVICE, "invalid device ordinal"},
        {BAD_IMAGE, "device kernel image is invalid"},
        {BAD_TOOLCHAIN, "the provided PTX was compiled with an unsupported toolchain."},
        {NO_CONTEXT, "invalid device context"}, {NOT_FOUND, "named symbol not found"},
        {ILLEGAL_ADDRESS, "an illegal memory access was encountered"},
        {NOT_SUPPORTED, "operation not supported"}};
    auto found = texts.find(error);
    *text = found == texts.end() ? "unknown error" : found->second;
    return OK;
}
API int cuGetErrorName(int error, const char **text) { return cuGetErrorString(error, text); }
