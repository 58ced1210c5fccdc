/* libnvrtc: what hands out, in place of PTX, the path of what compiler.cpp has made.

   CUDA_ON_CPU_NVRTC names NVIDIA's own library; then that compiles each kernel, too, and
   what it refuses is refused. CUDA_ON_CPU_LOG gets a line for each, `.target sm_50` for
   instance. CUDA_ON_CPU_TOOLKIT is the CUDA that this stands in for, 11.8 or 12.9. */

#include <dlfcn.h>

#include <cstdio>
#include <cstring>

#include "cuda_on_cpu.h"

/* The compiler's numbers for what goes wrong. */
static const int INVALID_OPTION = 5, COMPILATION = 6, INTERNAL = 11;

/* The architectures that a toolkit compiles for. */
static const std::map<std::string, std::vector<int>> TOOLKITS = {
    {"11.8", {35, 37, 50, 52, 53, 60, 61, 62, 70, 72, 75, 80, 86, 87, 89, 90}},
    {"12.9", {50, 52, 53, 60, 61, 62, 70, 72, 75, 80, 86, 87, 89, 90, 100, 101, 103, 120,
              121}}};

static const char *toolkit() { return setting("TOOLKIT", "11.8"); }

static std::vector<int> architectures() {
    auto found = TOOLKITS.find(toolkit());
    return found == TOOLKITS.end() ? std::vector<int>() : found->second;
}

static bool known(const std::string &architecture) {
    for (int one : architectures())
        if (std::to_string(one) == architecture)
            return true;
    return false;
}

/* NVIDIA's compiler, function by function. */
struct Nvidia {
    void *library;
    template <class... A> int call(const char *name, A... arguments) {
        int (*function)(A...) = NULL;
        *(void **) &function = dlsym(library, name);
        return function ? function(arguments...) : INTERNAL;
    }
};

/* Compile with NVIDIA's compiler and note what for; 0, or its error, and its log. */
static int compile_there(Program *program, int number, const char **options) {
    static Nvidia nvidia = {dlopen(setting("NVRTC", ""), RTLD_NOW | RTLD_LOCAL)};
    if (!nvidia.library) {
        program->log = dlerror();
        return INTERNAL;
    }
    std::vector<const char *> texts, names;
    for (auto &header : program->headers) {
        names.push_back(header.first.c_str());
        texts.push_back(header.second.c_str());
    }
    void *theirs = NULL;
    int error = nvidia.call("nvrtcCreateProgram", &theirs, program->source.c_str(),
                            "kernel.cu", (int) names.size(), texts.data(), names.data());
    if (error)
        return error;
    error = nvidia.call("nvrtcCompileProgram", theirs, number, options);
    size_t size = 0;
    std::string text;
    const char *what = error ? "nvrtcGetProgramLog" : "nvrtcGetPTX";
    nvidia.call((std::string(what) + "Size").c_str(), theirs, &size);
    text.resize(size);
    nvidia.call(what, theirs, &text[0]);
    nvidia.call("nvrtcDestroyProgram", &theirs);
    size_t target = text.find(".target");
    if (error)
        program->log = text.c_str();
    else if (target != std::string::npos)
        note("%s", text.substr(target, text.find('\n', target) - target).c_str());
    return error;
}

API int nvrtcVersion(int *major, int *minor) {
    return sscanf(toolkit(), "%d.%d", major, minor) == 2 ? 0 : INTERNAL;
}

API int nvrtcGetNumSupportedArchs(int *number) {
    *number = architectures().size();
    return OK;
}

API int nvrtcGetSupportedArchs(int *sorted) {
    for (int one : architectures())
        *sorted++ = one;
    return OK;
}

API int nvrtcCreateProgram(void **program, const char *source, const char *, int number,
                           const char **headers, const char **names) {
    Program *made = new Program{source, "", "", {}};
    for (int i = 0; i < number; i++)
        made->headers[names[i]] = headers[i];
    *program = made;
    return OK;
}

API int nvrtcDestroyProgram(void **program) {
    delete (Program *) *program;
    *program = NULL;
    return OK;
}

API int nvrtcCompileProgram(Program *program, int number, const char **options) {
    std::string architecture = "52";
    for (int i = 0; i < number; i++)
        if (const char *found = strstr(options[i], "compute_"))
            architecture = found + strlen("compute_");
    if (!known(architecture)) {
        program->log = "nvrtc: error: invalid value for --gpu-architecture (-arch)\n";
        return INVALID_OPTION;
    }
    if (*setting("NVRTC", ""))
        if (int error = compile_there(program, number, options))
            return error;
    return compile(program, architecture) ? 0 : COMPILATION;
}

static void hand_out(const std::string &text, char *place) {
    memcpy(place, text.c_str(), text.size() + 1);
}

API int nvrtcGetProgramLogSize(Program *program, size_t *size) {
    *size = program->log.size() + 1;
    return OK;
}

API int nvrtcGetProgramLog(Program *program, char *log) {
    hand_out(program->log, log);
    return OK;
}

API int nvrtcGetPTXSize(Program *program, size_t *size) {
    *size = program->ptx.size() + 1;
    return OK;
}

API int nvrtcGetPTX(Program *program, char *ptx) {
    hand_out(program->ptx, ptx);
    return OK;
}

API const char *nvrtcGetErrorString(int error) {
    switch (error) {
    case OK: return "NVRTC_SUCCESS";
    case INVALID_OPTION: return "NVRTC_ERROR_INVALID_OPTION";
    case COMPILATION: return "NVRTC_ERROR_COMPILATION";
    default: return "NVRTC_ERROR_INTERNAL_ERROR";
    }
}
