/* A CUDA driver and a cuBLAS that compute nothing, for machines without a GPU.

   With them Theano makes its graphs for device=cuda, g++ compiles the code of their
   operations and CUDA's run-time compiler that of their kernels, and everything runs;
   only the figures mean nothing. tests/images/try_gpu_file.py uses it. Never put it where a
   program may find it by itself. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned long long address;

static char nothing[8];

extern "C" {

int cuInit(unsigned flags) { return 0; }
int cuDriverGetVersion(int *version) { *version = 11080; return 0; }
int cuDeviceGetCount(int *count) { *count = 1; return 0; }
int cuDeviceGet(int *device, int number) { *device = number; return 0; }

int cuDeviceGetName(char *name, int size, int device) {
    strncpy(name, "no GPU: computes nothing", size);
    return 0;
}

int cuDeviceGetPCIBusId(char *name, int size, int device) {
    strncpy(name, "0000:00:00.0", size);
    return 0;
}

int cuDeviceGetAttribute(int *value, int attribute, int device) {
    const char *capability = getenv("NOTHING_CUDA_CAPABILITY");  /* such as 50 */
    int number = atoi(capability ? capability : "90");
    switch (attribute) {
    case 1: case 2: case 3: *value = 1024; break;  /* threads in a block */
    case 4: *value = 64; break;
    case 5: *value = 2147483647; break;            /* blocks in a grid */
    case 6: case 7: *value = 65535; break;
    case 8: *value = 49152; break;                 /* shared memory */
    case 10: *value = 32; break;                   /* a warp */
    case 16: *value = 16; break;                   /* multiprocessors */
    case 75: *value = number / 10; break;
    case 76: *value = number % 10; break;
    default: *value = 1;
    }
    return 0;
}

int cuDeviceTotalMem_v2(size_t *size, int device) { *size = 1u << 30; return 0; }
int cuDevicePrimaryCtxGetState(int device, unsigned *flags, int *active) {
    *flags = *active = 0;
    return 0;
}
int cuDevicePrimaryCtxSetFlags(int device, unsigned flags) { return 0; }
int cuDevicePrimaryCtxRetain(void **context, int device) {
    *context = nothing;
    return 0;
}
int cuDevicePrimaryCtxRelease(int device) { return 0; }
int cuCtxPushCurrent_v2(void *context) { return 0; }
int cuCtxPopCurrent_v2(void **context) { if (context) *context = nothing; return 0; }
int cuCtxGetDevice(int *device) { *device = 0; return 0; }

static size_t taken;

int cuMemAlloc_v2(address *memory, size_t size) {
    *memory = (address) calloc(size, 1);
    taken += size;
    return 0;
}
int cuMemFree_v2(address memory) { free((void *) memory); return 0; }
int cuMemAllocHost_v2(void **memory, size_t size) {
    *memory = calloc(size, 1);
    return 0;
}
int cuMemFreeHost(void *memory) { free(memory); return 0; }
int cuMemGetInfo_v2(size_t *left, size_t *total) {
    *total = (size_t) 80 << 30;
    *left = *total - taken;
    return 0;
}

static int copy(address to, address from, size_t size) {
    memcpy((void *) to, (void *) from, size);
    return 0;
}
int cuMemcpyDtoDAsync_v2(address a, address b, size_t n, void *stream) {
    return copy(a, b, n);
}
int cuMemcpyDtoHAsync_v2(address a, address b, size_t n, void *stream) {
    return copy(a, b, n);
}
int cuMemcpyHtoDAsync_v2(address a, address b, size_t n, void *stream) {
    return copy(a, b, n);
}
int cuMemcpyHtoD_v2(address a, address b, size_t n) { return copy(a, b, n); }
int cuMemcpyPeerAsync(void) { return 801; }
int cuMemsetD8Async(address memory, unsigned char value, size_t size, void *stream) {
    memset((void *) memory, value, size);
    return 0;
}

/* Note which card a kernel is for, one line each, if there is a file to note it in. */
static void note(const void *code) {
    const char *name = getenv("NOTHING_CUDA_LOG");
    const char *target = strstr((const char *) code, ".target");
    FILE *log = name && target ? fopen(name, "a") : NULL;
    if (log) {
        fprintf(log, "%.*s\n", (int) strcspn(target, "\n"), target);
        fclose(log);
    }
}

int cuModuleLoadData(void **module, const void *image) {
    note(image);
    *module = nothing;
    return 0;
}
int cuModuleLoadDataEx(void **module, const void *image, unsigned number, void *names,
                       void *values) {
    note(image);
    *module = nothing;
    return 0;
}
int cuModuleUnload(void *module) { return 0; }
int cuModuleGetFunction(void **function, void *module, const char *name) {
    *function = nothing;
    return 0;
}
int cuFuncGetAttribute(int *value, int attribute, void *function) {
    *value = 1024;
    return 0;
}
int cuLaunchKernel(void) { return 0; }
int cuLinkCreate_v2(unsigned number, void *names, void *values, void **state) {
    *state = nothing;
    return 0;
}
int cuLinkCreate(unsigned number, void *names, void *values, void **state) {
    *state = nothing;
    return 0;
}
int cuLinkAddData(void *state, int type, void *data) { note(data); return 0; }
int cuLinkAddData_v2(void *state, int type, void *data) { note(data); return 0; }
int cuLinkComplete(void *state, void **image, size_t *size) {
    *image = nothing;
    *size = 8;
    return 0;
}
int cuLinkDestroy(void *state) { return 0; }

int cuStreamCreate(void **stream, unsigned flags) { *stream = nothing; return 0; }
int cuStreamDestroy_v2(void *stream) { return 0; }
int cuStreamSynchronize(void *stream) { return 0; }
int cuStreamWaitEvent(void *stream, void *event, unsigned flags) { return 0; }
int cuEventCreate(void **event, unsigned flags) { *event = nothing; return 0; }
int cuEventDestroy_v2(void *event) { return 0; }
int cuEventRecord(void *event, void *stream) { return 0; }
int cuEventSynchronize(void *event) { return 0; }

int cuIpcGetMemHandle(void) { return 801; }
int cuIpcOpenMemHandle(void) { return 801; }
int cuIpcCloseMemHandle(void) { return 801; }
int cuGetErrorName(int error, const char **text) { *text = "error"; return 0; }
int cuGetErrorString(int error, const char **text) { *text = "error"; return 0; }

int cublasCreate_v2(void **handle) { *handle = nothing; return 0; }
int cublasDestroy_v2(void) { return 0; }
int cublasDdot_v2(void) { return 0; }
int cublasDgemmBatched(void) { return 0; }
int cublasDgemmStridedBatched(void) { return 0; }
int cublasDgemm_v2(void) { return 0; }
int cublasDgemv_v2(void) { return 0; }
int cublasDger_v2(void) { return 0; }
int cublasGemmEx(void) { return 0; }
int cublasGetProperty(int part, int *value) { *value = part; return 0; }
int cublasGetPointerMode_v2(void) { return 0; }
int cublasHgemmStridedBatched(void) { return 0; }
int cublasSdot_v2(void) { return 0; }
int cublasSetAtomicsMode(void) { return 0; }
int cublasSetPointerMode_v2(void) { return 0; }
int cublasSetStream_v2(void) { return 0; }
int cublasSgemmBatched(void) { return 0; }
int cublasSgemmEx(void) { return 0; }
int cublasSgemmStridedBatched(void) { return 0; }
int cublasSgemm_v2(void) { return 0; }
int cublasSgemv_v2(void) { return 0; }
int cublasSger_v2(void) { return 0; }
}
