/* The blocks and threads of a launch, one after the other, on one core.

   Threads that wait for each other at barriers run on stacks of their own, in turns from
   barrier to barrier. Shared memory is filled with what is not a number before each
   block. CUDA_ON_CPU_ORDER says in which order blocks and threads come: `forward`,
   `reverse`, or a number, with which they are shuffled anew each time. What they compute
   must not depend on it; where it does, the kernel has a race. */

#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <random>
#include <set>

#include "cuda_on_cpu.h"

/* More blocks than these are not put in another order. */
static const size_t MANY = 1 << 20;
static const size_t STACK = 64 << 10;

/* A place in a thread of a block, and where that thread has got to: the line of the
   barrier that it waits at, or one of these. */
enum { FRESH = 0, DONE = -1 };
struct Fiber {
    jmp_buf place;
    bool begun;
    int site;
};
static Fiber fibers[MOST_THREADS], *current;
static jmp_buf scheduler;
static Kernel *running;
static void **running_arguments;

static void back_to_the_scheduler(int site) {
    current->site = site;
    if (!_setjmp(current->place))
        _longjmp(scheduler, 1);
}

static void nobody_to_wait_for(int) {}

/* The threads of one block after the other. */
static void live() {
    for (;;) {
        running->thread(running_arguments);
        back_to_the_scheduler(DONE);
    }
}

/* swapcontext asks the kernel for signal masks each time; it only begins a fiber, and
   the jumps do the rest. */
static void go_on(Fiber *fiber) {
    current = fiber;
    if (_setjmp(scheduler))
        return;
    if (fiber->begun)
        _longjmp(fiber->place, 1);
    fiber->begun = true;
    static char *stacks = (char *) mmap(NULL, STACK * MOST_THREADS,
                                        PROT_READ | PROT_WRITE,
                                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    static ucontext_t unused, begin;
    getcontext(&begin);
    begin.uc_stack.ss_sp = stacks + STACK * (fiber - fibers);
    begin.uc_stack.ss_size = STACK;
    makecontext(&begin, live, 0);
    swapcontext(&unused, &begin);
}

static void complain(const std::string &text) {
    static std::set<std::string> said;
    if (said.insert(text).second)
        say("%s", text.c_str());
}

/* All threads from one barrier to the next; how many wait there. */
static unsigned turn(const std::vector<unsigned> &order) {
    unsigned waiting = 0;
    int site = FRESH;
    Dim size = running->state->block_dim;
    for (unsigned number : order) {
        Fiber *fiber = fibers + number;
        if (fiber->site == DONE)
            continue;
        running->state->thread = {number % size.x, number / size.x % size.y,
                                  number / (size.x * size.y)};
        go_on(fiber);
        if (fiber->site == DONE)
            continue;
        if (waiting++ && site != fiber->site)
            complain(running->name + ": threads of a block wait at different barriers");
        site = fiber->site;
    }
    return waiting;
}

static void run_with_barriers(const std::vector<unsigned> &order) {
    for (unsigned number : order)
        fibers[number].site = FRESH;
    while (unsigned waiting = turn(order))
        if (waiting < order.size())
            complain(running->name + ": threads end while others of the block wait");
}

static std::vector<unsigned> numbers(size_t count) {
    static const char *wanted = setting("ORDER", "forward");
    static std::mt19937 random(atoi(wanted));
    std::vector<unsigned> order(count);
    std::iota(order.begin(), order.end(), 0);
    if (!strcmp(wanted, "reverse"))
        std::reverse(order.begin(), order.end());
    else if (atoi(wanted))
        std::shuffle(order.begin(), order.end(), random);
    return order;
}

void run_blocks(Kernel *kernel, unsigned dynamic, void **arguments) {
    static char pool[MOST_SHARED] __attribute__((aligned(256)));
    State *state = kernel->state;
    Dim grid = state->grid_dim, size = state->block_dim;
    unsigned threads = size.x * size.y * size.z;
    size_t blocks = (size_t) grid.x * grid.y * grid.z;
    state->dynamic = pool;
    state->barrier = threads > 1 ? back_to_the_scheduler : nobody_to_wait_for;
    running = kernel;
    running_arguments = arguments;
    std::vector<unsigned> order = numbers(threads), turns;
    if (blocks < MANY)
        turns = numbers(blocks);
    for (size_t i = 0; i < blocks; i++) {
        size_t b = turns.empty() ? i : turns[i];
        state->block = {(unsigned) (b % grid.x), (unsigned) (b / grid.x % grid.y),
                        (unsigned) (b / grid.x / grid.y)};
        memset(kernel->shared, 0xFF, kernel->shared_size);
        memset(pool, 0xFF, dynamic);
        if (kernel->barriers && threads > 1)
            run_with_barriers(order);
        else
            kernel->block(arguments, order.data(), threads);
    }
}
