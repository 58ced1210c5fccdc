/* Products of matrices and vectors, as BLAS defines them: columns are contiguous.

   The order of the sums is the simplest. What is refused is refused as in BLAS. Each
   returns false where the arguments make no sense. */

#pragma once

#include <algorithm>
#include <cstdlib>
#include <vector>

/* C = alpha op(A) op(B) + beta C; C is not read where beta is 0. */
template <class T> struct Gemm {
    bool ta, tb;
    int m, n, k;
    T alpha, beta;
    int lda, ldb, ldc;

    int rows_a() const { return ta ? k : m; }
    int rows_b() const { return tb ? n : k; }
    bool valid() const {
        return m >= 0 && n >= 0 && k >= 0 && lda >= std::max(1, rows_a()) &&
               ldb >= std::max(1, rows_b()) && ldc >= std::max(1, m);
    }
    void multiply(const T *A, const T *B, T *C) const {
        /* op(A) in one piece, so that the inner loop runs along a column. */
        std::vector<T> columns((size_t) m * k), sum(m);
        for (int l = 0; l < k; l++)
            for (int i = 0; i < m; i++)
                columns[(size_t) l * m + i] =
                    ta ? A[(size_t) i * lda + l] : A[(size_t) l * lda + i];
        for (int j = 0; j < n; j++) {
            std::fill(sum.begin(), sum.end(), T(0));
            for (int l = 0; l < k; l++) {
                T b = tb ? B[(size_t) l * ldb + j] : B[(size_t) j * ldb + l];
                const T *a = columns.data() + (size_t) l * m;
                for (int i = 0; i < m; i++)
                    sum[i] += a[i] * b;
            }
            T *c = C + (size_t) j * ldc;
            for (int i = 0; i < m; i++)
                c[i] = beta == T(0) ? alpha * sum[i] : alpha * sum[i] + beta * c[i];
        }
    }
};

/* A vector whose elements lie `step` apart; where that is negative, from the end on. */
template <class T> struct Vector {
    T *first;
    int n;
    long step;

    size_t bytes() const { return n ? sizeof(T) * ((n - 1) * labs(step) + 1) : 0; }
    T &operator[](int i) const { return first[(step < 0 ? i + 1 - n : i) * step]; }
};

/* y = alpha op(A) x + beta y; y is not read where beta is 0. */
template <class T>
void multiply(bool t, T alpha, const T *A, int lda, Vector<const T> x, T beta, Vector<T> y) {
    for (int i = 0; i < y.n; i++) {
        T sum = 0;
        for (int j = 0; j < x.n; j++)
            sum += (t ? A[(size_t) i * lda + j] : A[(size_t) j * lda + i]) * x[j];
        y[i] = beta == T(0) ? alpha * sum : alpha * sum + beta * y[i];
    }
}

/* A += alpha x y' */
template <class T>
void add_outer(T alpha, Vector<const T> x, Vector<const T> y, T *A, int lda) {
    for (int j = 0; j < y.n; j++)
        for (int i = 0; i < x.n; i++)
            A[(size_t) j * lda + i] += alpha * x[i] * y[j];
}

template <class T> T dot(Vector<const T> x, Vector<const T> y) {
    T sum = 0;
    for (int i = 0; i < x.n; i++)
        sum += x[i] * y[i];
    return sum;
}
