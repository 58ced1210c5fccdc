/* What CUDA's run-time compiler offers a kernel without any header, for g++ on x86-64.

   compiler.cpp puts this before the CUDA C that it is handed, and compiles both to a
   shared object whose kernels run on the CPU. No headers are included, so that a kernel
   compiles in some 50 ms. What NVRTC lacks is left out: it is missed here as it is there.
   Mathematics is the C library's, whose last digits differ from a card's. */

typedef unsigned long size_t;
typedef long ptrdiff_t;
#define NULL 0
#define __CUDACC__ 1
#define __CUDACC_RTC__ 1
#define __NVCC__ 1
#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __constant__ static
#define __shared__ static __attribute__((section("shared_memory")))

struct uint3 { unsigned x, y, z; };
struct dim3 { unsigned x, y, z; };

/* One block runs at a time, and of it one thread. State in cuda_on_cpu.h is the same. */
struct cpu_launch {
    uint3 thread, block;
    dim3 block_dim, grid_dim;
    char *dynamic; /* extern __shared__ */
    void (*barrier)(int site);
};
extern "C" __attribute__((visibility("default"))) cpu_launch cpu_state;
__attribute__((visibility("default"))) cpu_launch cpu_state;
#define threadIdx cpu_state.thread
#define blockIdx cpu_state.block
#define blockDim cpu_state.block_dim
#define gridDim cpu_state.grid_dim
static const int warpSize = 32;
#define __syncthreads() cpu_state.barrier(__LINE__)
#define __threadfence() ((void) 0)
#define __threadfence_block() ((void) 0)

/* Mathematics: C's functions, overloaded for float as CUDA's are. */
#define CPU_1(name) extern "C" double name(double); extern "C" float name##f(float); \
    static inline float name(float x) { return name##f(x); } \
    static inline double name(int x) { return name((double) x); } \
    static inline double name(unsigned x) { return name((double) x); } \
    static inline double name(long x) { return name((double) x); } \
    static inline double name(unsigned long x) { return name((double) x); } \
    static inline double name(long long x) { return name((double) x); } \
    static inline double name(unsigned long long x) { return name((double) x); }
CPU_1(sin) CPU_1(cos) CPU_1(tan) CPU_1(asin) CPU_1(acos) CPU_1(atan)
CPU_1(sinh) CPU_1(cosh) CPU_1(tanh) CPU_1(asinh) CPU_1(acosh) CPU_1(atanh)
CPU_1(exp) CPU_1(exp2) CPU_1(exp10) CPU_1(expm1) CPU_1(log) CPU_1(log2) CPU_1(log10)
CPU_1(log1p) CPU_1(sqrt) CPU_1(cbrt) CPU_1(ceil) CPU_1(floor) CPU_1(trunc) CPU_1(round)
CPU_1(rint) CPU_1(nearbyint) CPU_1(fabs) CPU_1(erf) CPU_1(erfc) CPU_1(lgamma)
CPU_1(tgamma) CPU_1(j0) CPU_1(j1)
#define CPU_2(name) extern "C" double name(double, double); \
    extern "C" float name##f(float, float); \
    static inline float name(float x, float y) { return name##f(x, y); } \
    static inline double name(float x, double y) { return name((double) x, y); } \
    static inline double name(double x, float y) { return name(x, (double) y); } \
    static inline double name(double x, int y) { return name(x, (double) y); } \
    static inline double name(int x, double y) { return name((double) x, y); } \
    static inline double name(int x, int y) { return name((double) x, (double) y); } \
    static inline double name(long long x, long long y) { \
        return name((double) x, (double) y); }
CPU_2(pow) CPU_2(atan2) CPU_2(fmod) CPU_2(fmin) CPU_2(fmax) CPU_2(hypot) CPU_2(copysign)
CPU_2(nextafter) CPU_2(remainder) CPU_2(fdim)
static inline float pow(float x, int y) { return powf(x, (float) y); }
extern "C" double fma(double, double, double);
extern "C" float fmaf(float, float, float);
static inline float fma(float x, float y, float z) { return fmaf(x, y, z); }
static inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
static inline double rsqrt(double x) { return 1.0 / sqrt(x); }
static inline float rsqrt(float x) { return rsqrtf(x); }
static inline float __expf(float x) { return expf(x); }
static inline float __logf(float x) { return logf(x); }
static inline float __powf(float x, float y) { return powf(x, y); }
static inline float __sinf(float x) { return sinf(x); }
static inline float __cosf(float x) { return cosf(x); }
static inline float __fdividef(float x, float y) { return x / y; }
static inline float __fadd_rn(float x, float y) { return x + y; }
static inline float __fmul_rn(float x, float y) { return x * y; }
static inline float __fmaf_rn(float x, float y, float z) { return fmaf(x, y, z); }
static inline double __dadd_rn(double x, double y) { return x + y; }
static inline double __dmul_rn(double x, double y) { return x * y; }
#define CPU_IS(name, builtin) \
    static inline bool name(float x) { return builtin(x); } \
    static inline bool name(double x) { return builtin(x); }
CPU_IS(isnan, __builtin_isnan) CPU_IS(isinf, __builtin_isinf)
CPU_IS(isfinite, __builtin_isfinite) CPU_IS(signbit, __builtin_signbit)

static inline int abs(int x) { return x < 0 ? -x : x; }
static inline long abs(long x) { return x < 0 ? -x : x; }
static inline long long abs(long long x) { return x < 0 ? -x : x; }
static inline float abs(float x) { return fabsf(x); }
static inline double abs(double x) { return fabs(x); }
static inline long long llabs(long long x) { return abs(x); }

#define CPU_MM(type) \
    static inline type min(type x, type y) { return y < x ? y : x; } \
    static inline type max(type x, type y) { return x < y ? y : x; }
CPU_MM(int) CPU_MM(unsigned) CPU_MM(long) CPU_MM(unsigned long) CPU_MM(long long)
CPU_MM(unsigned long long)
static inline float min(float x, float y) { return fminf(x, y); }
static inline float max(float x, float y) { return fmaxf(x, y); }
static inline double min(double x, double y) { return fmin(x, y); }
static inline double max(double x, double y) { return fmax(x, y); }

/* Bits. */
static inline double nan(const char *) { return __builtin_nan(""); }
static inline float nanf(const char *) { return __builtin_nanf(""); }
static inline float __int_as_float(int x) { return __builtin_bit_cast(float, x); }
static inline int __float_as_int(float x) { return __builtin_bit_cast(int, x); }
static inline double __longlong_as_double(long long x) {
    return __builtin_bit_cast(double, x);
}
static inline long long __double_as_longlong(double x) {
    return __builtin_bit_cast(long long, x);
}
static inline int __popc(unsigned x) { return __builtin_popcount(x); }
static inline int __clz(int x) { return x ? __builtin_clz(x) : 32; }
static inline int __ffs(int x) { return __builtin_ffs(x); }
static inline unsigned __umulhi(unsigned x, unsigned y) {
    return (unsigned) ((unsigned long) x * y >> 32);
}
static inline unsigned long long __umul64hi(unsigned long long x, unsigned long long y) {
    return (unsigned long long) ((unsigned __int128) x * y >> 64);
}
static inline unsigned __byte_perm(unsigned x, unsigned y, unsigned choice) {
    unsigned long both = (unsigned long) y << 32 | x;
    unsigned found = 0;
    for (int i = 0; i < 4; i++)
        found |= (unsigned) (both >> 8 * (choice >> 4 * i & 7) & 255) << 8 * i;
    return found;
}
template <class T> static inline T __ldg(const T *p) { return *p; }

/* Atomic operations: for the types that CUDA has them for, and no others. */
#define CPU_ATOMIC(name, type, expression) \
    static inline type name(type *p, type value) { \
        type old = *p; *p = (expression); return old; }
#define CPU_ATOMICS(type) \
    CPU_ATOMIC(atomicAdd, type, old + value) CPU_ATOMIC(atomicExch, type, value) \
    CPU_ATOMIC(atomicMin, type, value < old ? value : old) \
    CPU_ATOMIC(atomicMax, type, old < value ? value : old) \
    CPU_ATOMIC(atomicAnd, type, old & value) CPU_ATOMIC(atomicOr, type, old | value) \
    CPU_ATOMIC(atomicXor, type, old ^ value) \
    static inline type atomicCAS(type *p, type seen, type value) { \
        type old = *p; if (old == seen) *p = value; return old; }
CPU_ATOMICS(int) CPU_ATOMICS(unsigned) CPU_ATOMICS(unsigned long long)
CPU_ATOMIC(atomicAdd, float, old + value) CPU_ATOMIC(atomicExch, float, value)
CPU_ATOMIC(atomicSub, int, old - value) CPU_ATOMIC(atomicSub, unsigned, old - value)
#if __CUDA_ARCH__ >= 600
CPU_ATOMIC(atomicAdd, double, old + value)
#endif

/* In place of the PTX in libgpuarray's cluda.h. */
static inline float cpu_from_half(unsigned short h) {
    unsigned sign = (h & 0x8000u) << 16, e = h >> 10 & 31, m = h & 1023;
    if (e == 31) return __int_as_float(sign | 0x7f800000u | m << 13);
    if (e == 0) {
        float f = (float) m * 5.9604644775390625e-08f;
        return sign ? -f : f;
    }
    return __int_as_float(sign | (e + 112) << 23 | m << 13);
}
static inline unsigned short cpu_to_half(float f) {
    unsigned x = (unsigned) __float_as_int(f), sign = x >> 16 & 0x8000u;
    unsigned a = x & 0x7fffffffu;
    if (a > 0x7f800000u) return 0x7fff;
    if (a >= 0x477ff000u) return sign | 0x7c00;
    if (a < 0x38800000u) {
        float s = __int_as_float(a) * 16777216.0f;
        return sign | (unsigned short) rintf(s);
    }
    unsigned half = (a - 0x38000000u) >> 13, rest = a & 0x1fff;
    half += rest > 0x1000 || (rest == 0x1000 && (half & 1));
    return sign | half;
}

/* How the driver calls a kernel whose arguments' types it does not know. */
template <unsigned... I> struct cpu_indices {};
template <class... A, unsigned... I>
static inline __attribute__((always_inline)) void cpu_call(
    void (*kernel)(A...), void **arguments, cpu_indices<I...>) {
    kernel(*(A *) arguments[I]...);
}
template <class... A>
static inline __attribute__((always_inline)) void cpu_call(
    void (*kernel)(A...), void **arguments) {
    cpu_call(kernel, arguments, cpu_indices<__integer_pack(sizeof...(A))...>());
}
static inline void cpu_place(unsigned number) {
    const dim3 &size = cpu_state.block_dim;
    cpu_state.thread = {number % size.x, number / size.x % size.y,
                      number / (size.x * size.y)};
}
#define CPU_KERNEL(name) \
    extern "C" __attribute__((visibility("default"))) void cpu_thread_##name( \
        void **arguments) { cpu_call(&name, arguments); } \
    extern "C" __attribute__((visibility("default"))) void cpu_block_##name( \
        void **arguments, const unsigned *order, unsigned threads) { \
        for (unsigned i = 0; i < threads; i++) { \
            cpu_place(order[i]); \
            cpu_call(&name, arguments); \
        } \
    }

/* Whether there are barriers, and where the shared memory of fixed size lies. */
extern "C" __attribute__((weak, visibility("hidden"))) char __start_shared_memory[];
extern "C" __attribute__((weak, visibility("hidden"))) char __stop_shared_memory[];
#define CPU_FACTS(number) \
    extern "C" __attribute__((visibility("default"))) int cpu_barriers; \
    int cpu_barriers = number; \
    extern "C" __attribute__((visibility("default"))) char *cpu_shared[2]; \
    char *cpu_shared[2] = {__start_shared_memory, __stop_shared_memory};
