/* The device's memory, which is the host's, with what keeps the two apart.

   Fresh memory is filled with what is not a number in any precision. Of the guards that
   CUDA_ON_CPU_GUARD chooses, `after` puts an inaccessible page behind each allocation,
   and `host` takes the device's memory from the host except while a kernel, a product
   or a copy is at work. Both are for short runs: `host` never uses an address twice. */

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "cuda_on_cpu.h"

struct Area {
    size_t size;
    void *mapped;
    size_t length;
};

static std::map<address, Area> areas; /* by their begin */
static const size_t PAGE = 4096, ARENA = (size_t) 64 << 30;
static char *arena, *arena_end;
static bool guard_after, guard_host;

void prepare_memory() {
    std::string wanted = setting("GUARD", "");
    guard_after = wanted == "after";
    guard_host = wanted == "host";
}

static char *reserve(size_t length, int rights) {
    int kind = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *found = mmap(NULL, length, rights, kind, -1, 0);
    return found == MAP_FAILED ? NULL : (char *) found;
}

static size_t round_up(size_t n, size_t unit) { return (n + unit - 1) / unit * unit; }

bool on_device(address a, size_t n) {
    auto next = areas.upper_bound(a);
    if (next == areas.begin())
        return false;
    --next;
    return a + n <= next->first + next->second.size;
}

static address take_before_a_page(Area *area) {
    area->length = round_up(area->size, PAGE) + PAGE;
    char *mapped = reserve(area->length, PROT_READ | PROT_WRITE);
    if (!mapped)
        return 0;
    area->mapped = mapped;
    char *page = mapped + area->length - PAGE;
    mprotect(page, PAGE, PROT_NONE);
    return (address) (page - round_up(area->size, 16));
}

static address take_in_the_arena(Area *area) {
    if (!arena)
        arena = arena_end = reserve(ARENA, PROT_NONE);
    area->mapped = arena_end;
    area->length = round_up(area->size, PAGE);
    if (!arena || arena_end + area->length > arena + ARENA)
        return 0;
    arena_end += area->length;
    mprotect(area->mapped, area->length, PROT_READ | PROT_WRITE);
    return (address) area->mapped;
}

static address take_anywhere(Area *area) {
    return posix_memalign(&area->mapped, 256, area->size) ? 0 : (address) area->mapped;
}

address take(size_t size) {
    Area area = {size, NULL, 0};
    address begin = guard_after  ? take_before_a_page(&area)
                    : guard_host ? take_in_the_arena(&area)
                                 : take_anywhere(&area);
    if (!begin)
        return 0;
    memset((void *) begin, 0xFF, size);
    if (guard_host)
        mprotect(area.mapped, area.length, PROT_NONE);
    areas[begin] = area;
    sums.held += size;
    sums.peak = std::max(sums.peak, sums.held);
    return begin;
}

bool give(address begin) {
    auto found = areas.find(begin);
    if (found == areas.end())
        return false;
    Area area = found->second;
    areas.erase(found);
    sums.held -= area.size;
    if (guard_after)
        munmap(area.mapped, area.length);
    else if (guard_host)
        madvise(area.mapped, area.length, MADV_DONTNEED);
    else
        free(area.mapped);
    return true;
}

static int doors;

static void allow(int rights) {
    if (guard_host && arena_end > arena)
        mprotect(arena, arena_end - arena, rights);
}

Door::Door() {
    if (!doors++)
        allow(PROT_READ | PROT_WRITE);
}

Door::~Door() {
    if (!--doors)
        allow(PROT_NONE);
}
