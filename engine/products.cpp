// A BLAS product for Theano: large ones by oneDNN, the others by OpenBLAS.
// Built by install/blas.py. OPENBLAS_CORETYPE, which some machines need for the old
// OpenBLAS inside NumPy 1.19, holds the new one to old instructions as well; oneDNN goes
// by the processor alone.
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <omp.h>

// REPRODUCE_ONEDNN=0 leaves everything to OpenBLAS, to compare.
static const char *const wanted = std::getenv("REPRODUCE_ONEDNN");
static const bool used = !wanted || wanted[0] != '0';

// Elementwise operations on fewer numbers than these stay on one thread.
static const double PARALLEL_WORK = 8192;

extern "C" void OPENBLAS_SET_NUM_THREADS(int);

// One variable sets the threads of both, as where there is OpenBLAS alone. What is left
// to OpenBLAS is too small for more than one, and its threads, which wait for work in a
// loop, would keep oneDNN's from the cores.
static struct Threads {
    int all;
    Threads() {
        const char *number = std::getenv("OPENBLAS_NUM_THREADS");
        if (number && !std::getenv("OMP_NUM_THREADS") && std::atoi(number) > 0)
            omp_set_num_threads(std::atoi(number));
        all = omp_get_max_threads();
        if (used) OPENBLAS_SET_NUM_THREADS(1);
    }
} threads;

// oneDNN's kernels use the stack pointer for an array of theirs (its issue 4845, mended
// in 2026). A signal's handler writes below it: the product is wrong and the heap
// destroyed. So no signal comes while one runs, nor ever to oneDNN's own threads, which
// inherit this when they are started within.
struct NoSignals {
    sigset_t before;
    NoSignals() {
        sigset_t all;
        sigfillset(&all);
        for (int fault : {SIGSEGV, SIGBUS, SIGILL, SIGFPE}) sigdelset(&all, fault);
        pthread_sigmask(SIG_SETMASK, &all, &before);
    }
    ~NoSignals() { pthread_sigmask(SIG_SETMASK, &before, nullptr); }
};

extern "C" {
int dnnl_sgemm(char, char, int64_t, int64_t, int64_t, float, const float *, int64_t,
               const float *, int64_t, float, float *, int64_t);
void OPENBLAS_SGEMM(const char *, const char *, const int *, const int *, const int *,
                    const float *, const float *, const int *, const float *,
                    const int *, const float *, float *, const int *);

// Below a million multiplications oneDNN's start-up time is what counts, and below
// THREADS_FROM, which install/blas.py measures, the time in which threads wait for each
// other. Its matrices are row-major, so that it is asked for the product of the
// transposed ones.
void reproduce_onednn_sgemm_(const char *ta, const char *tb, const int *m, const int *n,
                             const int *k, const float *alpha, const float *a,
                             const int *lda, const float *b, const int *ldb,
                             const float *beta, float *c, const int *ldc) {
    const double work = double(*m) * *n * *k;
    if (used && work >= 1e6) {
        const NoSignals during;
        omp_set_num_threads(work >= THREADS_FROM ? threads.all : 1);
        const int status = dnnl_sgemm(*tb, *ta, *n, *m, *k, *alpha, b, *ldb, a, *lda,
                                      *beta, c, *ldc);
        omp_set_num_threads(threads.all);
        if (status == 0) return;
    }
    OPENBLAS_SGEMM(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

// Do `number` pieces of work, those from the second argument of `part` up to its third:
// on the threads of the products if there are `work` numbers to compute and that is
// worth their while. A thread that is started here may compute products later, and so
// gets no signals.
void reproduce_in_parts(void (*part)(void *, long, long), void *data, long number,
                        double work) {
    if (threads.all == 1 || work < PARALLEL_WORK) return part(data, 0, number);
    const NoSignals during;
#pragma omp parallel num_threads(threads.all)
    {
        const long k = omp_get_thread_num(), all = omp_get_num_threads();
        part(data, number * k / all, number * (k + 1) / all);
    }
}
}
