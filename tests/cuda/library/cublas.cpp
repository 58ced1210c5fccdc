/* libcublas: what libgpuarray calls of it, in single and double precision.

   The arguments are checked: sizes, that matrices and vectors are wholly in the device's
   memory, and that factors are where the pointer mode says. */

#include "cuda_on_cpu.h"
#include "products.h"

enum { NO_HANDLE = 1, WRONG_VALUE = 7, FAILED = 13, UNSUPPORTED = 15 };
enum { AS_IT_IS = 0, CONJUGATED = 2 };
static const int ON_DEVICE = 1; /* a pointer mode */

struct Handle {
    int mode;
};

/* While one lives: device memory may be touched, and the time is counted. */
struct Work {
    double started = now();
    Door open;
    ~Work() {
        sums.products++;
        sums.multiplying += now() - started;
    }
};

static int refuse(const char *function, const char *why, int error) {
    say("%s: %s", function, why);
    return error;
}

template <class T> static bool there(const T *a, int rows, int columns, long ld) {
    if (!rows || !columns)
        return true;
    return on_device((address) a, sizeof(T) * ((columns - 1) * ld + rows));
}
template <class T> static bool there(const Vector<T> &x) {
    return !x.n || on_device((address) x.first, x.bytes());
}
template <class T> static bool in_place(const Handle *handle, const T *factor) {
    return on_device((address) factor, sizeof(T)) == (handle->mode == ON_DEVICE);
}
static bool known(int op) { return op >= AS_IT_IS && op <= CONJUGATED; }

#define IN_PLACE(factor) if (!in_place(handle, factor)) \
    return refuse(__func__, "a factor is not where the pointer mode says", FAILED)
#define VALID(condition) if (!(condition)) \
    return refuse(__func__, "cuBLAS refuses such sizes", WRONG_VALUE)
#define THERE(condition) if (!(condition)) \
    return refuse(__func__, "an argument is not in the device's memory", FAILED)

template <class T>
static int multiply(const char *function, const Gemm<T> &gemm, const T *A, const T *B, T *C) {
    if (!gemm.m || !gemm.n)
        return OK;
    if (!there(A, gemm.rows_a(), gemm.ta ? gemm.m : gemm.k, gemm.lda) ||
        !there(B, gemm.rows_b(), gemm.tb ? gemm.k : gemm.n, gemm.ldb) ||
        !there(C, gemm.m, gemm.n, gemm.ldc))
        return refuse(function, "a matrix is not in the device's memory", FAILED);
    gemm.multiply(A, B, C);
    return OK;
}

/* The functions of one precision, whose letter is L. */
#define GEMM(T) \
    Work work; \
    IN_PLACE(alpha); \
    IN_PLACE(beta); \
    Gemm<T> gemm = {ta != AS_IT_IS, tb != AS_IT_IS, m, n, k, *alpha, *beta, lda, ldb, ldc}; \
    VALID(known(ta) && known(tb) && gemm.valid());
#define FUNCTIONS(L, T) \
API int cublas##L##gemm_v2(Handle *handle, int ta, int tb, int m, int n, int k, \
        const T *alpha, const T *A, int lda, const T *B, int ldb, const T *beta, T *C, \
        int ldc) { \
    GEMM(T) \
    return multiply(__func__, gemm, A, B, C); \
} \
API int cublas##L##gemmBatched(Handle *handle, int ta, int tb, int m, int n, int k, \
        const T *alpha, const T *const A[], int lda, const T *const B[], int ldb, \
        const T *beta, T *const C[], int ldc, int number) { \
    GEMM(T) \
    THERE(there(A, number, 1, number) && there(B, number, 1, number) && \
          there(C, number, 1, number)); \
    int status = OK; \
    for (int i = 0; i < number && !status; i++) \
        status = multiply(__func__, gemm, A[i], B[i], C[i]); \
    return status; \
} \
API int cublas##L##gemmStridedBatched(Handle *handle, int ta, int tb, int m, int n, int k, \
        const T *alpha, const T *A, int lda, long long a, const T *B, int ldb, long long b, \
        const T *beta, T *C, int ldc, long long c, int number) { \
    GEMM(T) \
    int status = OK; \
    for (int i = 0; i < number && !status; i++) \
        status = multiply(__func__, gemm, A + i * a, B + i * b, C + i * c); \
    return status; \
} \
API int cublas##L##gemv_v2(Handle *handle, int t, int m, int n, const T *alpha, \
        const T *A, int lda, const T *x, int incx, const T *beta, T *y, int incy) { \
    Work work; \
    IN_PLACE(alpha); \
    IN_PLACE(beta); \
    VALID(known(t) && m >= 0 && n >= 0 && lda >= std::max(1, m) && incx && incy); \
    if (!m || !n) \
        return OK; /* y is left alone, as in BLAS, even where beta is 0 */ \
    Vector<const T> from = {x, t ? m : n, incx}; \
    Vector<T> to = {y, t ? n : m, incy}; \
    THERE(there(A, m, n, lda) && there(from) && there(to)); \
    multiply<T>(t, *alpha, A, lda, from, *beta, to); \
    return OK; \
} \
API int cublas##L##ger_v2(Handle *handle, int m, int n, const T *alpha, const T *x, \
        int incx, const T *y, int incy, T *A, int lda) { \
    Work work; \
    IN_PLACE(alpha); \
    VALID(m >= 0 && n >= 0 && lda >= std::max(1, m) && incx && incy); \
    Vector<const T> rows = {x, m, incx}, columns = {y, n, incy}; \
    THERE(there(A, m, n, lda) && there(rows) && there(columns)); \
    add_outer<T>(*alpha, rows, columns, A, lda); \
    return OK; \
} \
API int cublas##L##dot_v2(Handle *handle, int n, const T *x, int incx, const T *y, \
        int incy, T *result) { \
    Work work; \
    IN_PLACE(result); \
    VALID(n >= 0 && incx && incy); \
    Vector<const T> one = {x, n, incx}, other = {y, n, incy}; \
    THERE(there(one) && there(other)); \
    *result = dot<T>(one, other); \
    return OK; \
}

FUNCTIONS(S, float)
FUNCTIONS(D, double)

API int cublasCreate_v2(Handle **handle) {
    if (!has_context())
        return NO_HANDLE;
    *handle = new Handle{0};
    return OK;
}
API int cublasDestroy_v2(Handle *handle) {
    delete handle;
    return OK;
}
API int cublasSetStream_v2(Handle *, void *) { return OK; }
API int cublasSetPointerMode_v2(Handle *handle, int mode) {
    handle->mode = mode;
    return OK;
}
API int cublasGetPointerMode_v2(Handle *handle, int *mode) {
    *mode = handle->mode;
    return OK;
}
API int cublasSetAtomicsMode(Handle *, int) { return OK; }
/* Major, minor and patch, as of CUDA 11.8's. */
API int cublasGetProperty(int part, int *value) {
    static const int VERSION[] = {11, 11, 3};
    if (part < 0 || part > 2)
        return WRONG_VALUE;
    *value = VERSION[part];
    return OK;
}

/* Half precision: nothing here uses it. */
API int cublasGemmEx(void) { return UNSUPPORTED; }
API int cublasSgemmEx(void) { return UNSUPPORTED; }
API int cublasHgemmStridedBatched(void) { return UNSUPPORTED; }
