/* From CUDA C to a shared object: device.h is put before it, and g++ compiles both.

   What has been compiled is kept in CUDA_ON_CPU_CACHE, under a name made of all that it
   depends on. CUDA_ON_CPU_REPLACE=REGEX=>TEXT changes the sources, to see whether an error
   in a kernel is noticed. CUDA_ON_CPU_CXX is the compiler. */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "cuda_on_cpu.h"

extern char **environ;

const std::string MARK = "CUDA on the CPU, no PTX: ";

static std::string read(const std::string &path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

static std::string device_header() {
    Dl_info info;
    dladdr((void *) device_header, &info);
    char real[PATH_MAX]; /* the library may be used by a link elsewhere */
    std::string path = realpath(info.dli_fname, real) ? real : info.dli_fname;
    return read(path.substr(0, path.rfind('/')) + "/device.h");
}

/* 64-bit FNV-1a, from two beginnings: enough for names in a cache. */
static std::string digest(const std::string &text) {
    char name[33];
    uint64_t half[2] = {0xcbf29ce484222325u, 0x9e3779b97f4a7c15u};
    for (uint64_t &value : half)
        for (unsigned char c : text)
            value = (value ^ c) * 0x100000001b3u;
    snprintf(name, sizeof name, "%016lx%016lx", half[0], half[1]);
    return name;
}

static std::string with_headers(const Program &program) {
    std::string source = program.source;
    for (auto &header : program.headers) {
        std::string line = "#include \"" + header.first + "\"";
        size_t at = source.find(line);
        if (at != std::string::npos)
            source.replace(at, line.size(), "\n" + header.second + "\n");
        while ((at = source.find(line)) != std::string::npos)
            source.erase(at, line.size());
    }
    return source;
}

static std::string with_errors(const std::string &source) {
    std::string wanted = setting("REPLACE", "");
    size_t at = wanted.find("=>");
    if (at == std::string::npos)
        return source;
    return std::regex_replace(source, std::regex(wanted.substr(0, at)),
                              wanted.substr(at + 2));
}

/* What g++ does not take: the PTX of libgpuarray's half precision, and shared memory
   whose size the launch says. */
static std::string translated(const std::string &source) {
    static const std::pair<std::regex, const char *> changes[] = {
        {std::regex("asm\\(\"\\{ cvt\\.f32\\.f16[^;]*;[^;]*;"),
         "r = cpu_from_half(h.data);"},
        {std::regex("asm\\(\"\\{ cvt\\.rn\\.f16\\.f32[^;]*;[^;]*;"),
         "r.data = cpu_to_half(f);"},
        {std::regex("extern\\s+__shared__\\s+([^;\\[]*?)\\s*\\b(\\w+)\\s*\\[\\s*\\]\\s*;"),
         "$1 *$2 = ($1 *) cpu_state.dynamic;"}};
    std::string text = source;
    for (auto &change : changes)
        text = std::regex_replace(text, change.first, change.second);
    return text;
}

static std::set<std::string> kernels_in(const std::string &source) {
    static const std::regex declaration(
        "(?:\\bKERNEL\\b|\\b__global__\\b)\\s+void\\s+(\\w+)\\s*\\(");
    std::set<std::string> names;
    for (std::sregex_iterator i(source.begin(), source.end(), declaration), end; i != end;
         ++i)
        names.insert((*i)[1]);
    return names;
}

/* The whole text for g++, with what the driver looks up by name at the end. */
static std::string whole_text(const Program &program, const std::string &architecture) {
    static const std::string header = device_header();
    std::string source = translated(with_errors(with_headers(program)));
    std::string text = "#define __CUDA_ARCH__ " + architecture + "0\n" + header +
                       "\n#line 1 \"kernel.cu\"\n" + source + "\n";
    for (auto &name : kernels_in(source))
        text += "CPU_KERNEL(" + name + ")\n";
    bool barriers = program.source.find("local_barrier") != std::string::npos ||
                    program.source.find("__syncthreads") != std::string::npos;
    return text + "CPU_FACTS(" + std::to_string(barriers) + ")\n";
}

static int run(const std::vector<std::string> &words, const std::string &log) {
    std::vector<char *> list;
    for (auto &word : words)
        list.push_back((char *) word.c_str());
    list.push_back(NULL);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 2, log.c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC, 0600);
    pid_t child;
    int failed = posix_spawnp(&child, list[0], &actions, NULL, list.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    int status = -1;
    while (!failed && waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return failed ? failed : status;
}

bool compile(Program *program, const std::string &architecture) {
    static const std::vector<std::string> COMMAND = {
        setting("CXX", "g++"), "-std=c++17", "-O2", "-w", "-g0", "-shared", "-fPIC",
        "-fvisibility=hidden", "-fno-exceptions", "-fno-rtti", "-fno-math-errno",
        "-ffp-contract=off", "-fno-strict-aliasing", "-fno-stack-protector",
        "-nostartfiles"};
    double started = now();
    std::string text = whole_text(*program, architecture), key = text;
    for (auto &word : COMMAND)
        key += word + "\n";
    std::string folder = setting("CACHE", "/tmp");
    mkdir(folder.c_str(), 0700);
    std::string object = folder + "/" + digest(key) + ".so";
    program->ptx = MARK + object;
    if (access(object.c_str(), R_OK) == 0) {
        sums.cached++;
        return true;
    }
    std::string mine = object + "." + std::to_string(getpid());
    std::ofstream(mine + ".cpp") << text;
    std::vector<std::string> words = COMMAND;
    words.insert(words.end(), {mine + ".cpp", "-o", mine, "-lm"});
    int status = run(words, mine + ".log");
    program->log = read(mine + ".log");
    for (const char *end : {".cpp", ".log"})
        unlink((mine + end).c_str());
    if (status || rename(mine.c_str(), object.c_str())) {
        note("a kernel does not compile: %s", program->log.c_str());
        return false;
    }
    sums.compiled++;
    sums.compiling += now() - started;
    return true;
}
