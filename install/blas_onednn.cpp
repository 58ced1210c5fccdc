/* sgemm_ for Theano: large products by oneDNN, the others by OpenBLAS.

   Built by blas.py. Both libraries choose their code by the
   processor they find; OPENBLAS_CORETYPE, which some machines need for the old OpenBLAS
   of NumPy 1.19, also holds this one to older instructions, and oneDNN is not held. */

#include <cstdint>
#include <cstdlib>
#include <omp.h>

extern "C" {
int dnnl_sgemm(char transa, char transb, int64_t m, int64_t n, int64_t k, float alpha,
               const float* a, int64_t lda, const float* b, int64_t ldb, float beta,
               float* c, int64_t ldc);
void OPENBLAS_SGEMM(const char* transa, const char* transb, const int* m, const int* n,
           const int* k, const float* alpha, const float* a, const int* lda,
           const float* b, const int* ldb, const float* beta, float* c,
           const int* ldc);

void reproduce_onednn_sgemm_(const char* transa, const char* transb, const int* m,
                      const int* n, const int* k, const float* alpha, const float* a,
                      const int* lda, const float* b, const int* ldb,
                      const float* beta, float* c, const int* ldc) {
    /* Below this, oneDNN's start-up time is what counts. oneDNN's matrices are
       row-major: the product of the transposed ones. It reports what it refuses. */
    if (double(*m) * *n * *k < 1e6
        || dnnl_sgemm(*transb, *transa, *n, *m, *k, *alpha, b, *ldb, a, *lda, *beta, c,
                      *ldc) != 0)
        OPENBLAS_SGEMM(transa, transb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
}

/* One variable sets the threads of both, as where there is OpenBLAS alone. */
static struct Threads {
    Threads() {
        const char* number = std::getenv("OPENBLAS_NUM_THREADS");
        if (number && !std::getenv("OMP_NUM_THREADS") && std::atoi(number) > 0)
            omp_set_num_threads(std::atoi(number));
    }
} threads;
