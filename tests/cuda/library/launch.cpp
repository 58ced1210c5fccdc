/* A kernel's launch: what a card would refuse, and faults within the kernel.

   With CUDA_ON_CPU_FAIL_AFTER=N the launches after the Nth fail, as on a card that is
   lost. */

#include <setjmp.h>
#include <signal.h>

#include <cstring>

#include "cuda_on_cpu.h"

int broken;

static sigjmp_buf escape;
static volatile bool within;
static void *fault_at;

static void fault(int number, siginfo_t *info, void *) {
    fault_at = info->si_addr;
    if (within)
        siglongjmp(escape, number);
    signal(number, SIG_DFL);
}

/* While one lives, faults come to fault() above, on a stack of its own. */
struct Watch {
    static const int COUNT = 4;
    const int numbers[COUNT] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
    struct sigaction before[COUNT];
    stack_t stack_before;

    Watch() {
        static char place[65536];
        stack_t other = {};
        other.ss_sp = place;
        other.ss_size = sizeof place;
        sigaltstack(&other, &stack_before);
        struct sigaction action = {};
        action.sa_sigaction = fault;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
        for (int i = 0; i < COUNT; i++)
            sigaction(numbers[i], &action, before + i);
        within = true;
    }
    ~Watch() {
        within = false;
        for (int i = 0; i < COUNT; i++)
            sigaction(numbers[i], before + i, NULL);
        sigaltstack(&stack_before, NULL);
    }
};

static bool possible(const Kernel *kernel, Dim grid, Dim block, unsigned dynamic) {
    size_t threads = (size_t) block.x * block.y * block.z;
    if (grid.x && grid.y && grid.z && threads && threads <= MOST_THREADS &&
        block.z <= 64 && grid.x <= 2147483647u && grid.y <= 65535 && grid.z <= 65535 &&
        kernel->shared_size + dynamic <= MOST_SHARED)
        return true;
    say("%s cannot be launched with a grid of %u x %u x %u, blocks of %u x %u x %u and "
        "%zu + %u bytes shared", kernel->name.c_str(), grid.x, grid.y, grid.z, block.x,
        block.y, block.z, kernel->shared_size, dynamic);
    return false;
}

/* Returns the number of the signal that ended it, or 0. */
static int run_watched(Kernel *kernel, unsigned dynamic, void **arguments) {
    Door open;
    Watch watch;
    int number = sigsetjmp(escape, 1);
    if (!number)
        run_blocks(kernel, dynamic, arguments);
    return number;
}

int launch(Kernel *kernel, Dim grid, Dim block, unsigned dynamic, void **arguments) {
    if (!possible(kernel, grid, block, dynamic))
        return INVALID;
    static const long fail_after = number_set("FAIL_AFTER", -1);
    if (fail_after >= 0 && sums.launches >= fail_after)
        return broken = ILLEGAL_ADDRESS;
    double started = now();
    State *state = kernel->state;
    state->block_dim = block;
    state->grid_dim = grid;
    if (int number = run_watched(kernel, dynamic, arguments)) {
        say("%s: %s at %p, in thread %u %u %u of block %u %u %u", kernel->name.c_str(),
            strsignal(number), fault_at, state->thread.x, state->thread.y,
            state->thread.z, state->block.x, state->block.y, state->block.z);
        return broken = ILLEGAL_ADDRESS;
    }
    sums.launches++;
    sums.with_barriers += kernel->barriers;
    sums.computing += now() - started;
    return OK;
}
