/* libcuda: modules, which are shared objects that compiler.cpp has made, and kernels. */

#include <dlfcn.h>

#include "cuda_on_cpu.h"


struct Module {
    void *handle;
    std::map<std::string, Kernel> kernels;
};

template <class T> static T look_up(void *library, const std::string &name) {
    T found = NULL;
    *(void **) &found = dlsym(library, name.c_str());
    return found;
}

/* A driver does not take what a newer CUDA has compiled. */
static bool too_new() {
    int driver, major, minor;
    cuDriverGetVersion(&driver);
    nvrtcVersion(&major, &minor);
    return driver < 1000 * major + 10 * minor;
}

API int cuModuleLoadData(void **module, const void *image) {
    CONTEXT;
    std::string text = (const char *) image;
    if (text.compare(0, MARK.size(), MARK)) {
        say("this is no module of ours: is libnvrtc another one?");
        return BAD_IMAGE;
    }
    if (too_new())
        return BAD_TOOLCHAIN;
    void *handle = dlopen(text.c_str() + MARK.size(), RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        say("%s", dlerror());
        return BAD_IMAGE;
    }
    *module = new Module{handle, {}};
    return OK;
}
API int cuModuleLoadDataEx(void **module, const void *image, unsigned, void *, void *) {
    return cuModuleLoadData(module, image);
}
API int cuModuleUnload(Module *module) {
    dlclose(module->handle);
    delete module;
    return OK;
}
API int cuModuleGetFunction(void **function, Module *module, const char *name) {
    CONTEXT;
    void *library = module->handle;
    Kernel kernel = {};
    kernel.name = name;
    kernel.state = look_up<State *>(library, "cpu_state");
    kernel.thread = look_up<decltype(kernel.thread)>(library, "cpu_thread_" + kernel.name);
    kernel.block = look_up<decltype(kernel.block)>(library, "cpu_block_" + kernel.name);
    if (!kernel.thread || !kernel.block)
        return NOT_FOUND;
    kernel.barriers = *look_up<int *>(library, "cpu_barriers");
    char **shared = look_up<char **>(library, "cpu_shared");
    kernel.shared = shared[0];
    kernel.shared_size = shared[1] - shared[0];
    *function = &(module->kernels[name] = kernel);
    return OK;
}
API int cuFuncGetAttribute(int *value, int attribute, Kernel *kernel) {
    CONTEXT;
    if (attribute > 1)
        return INVALID;
    *value = attribute ? kernel->shared_size : MOST_THREADS;
    return OK;
}
API int cuLaunchKernel(Kernel *kernel, unsigned gx, unsigned gy, unsigned gz, unsigned bx,
                       unsigned by, unsigned bz, unsigned shared, void *, void **arguments,
                       void **) {
    CONTEXT;
    return launch(kernel, {gx, gy, gz}, {bx, by, bz}, shared, arguments);
}

/* Linking passes on what it is given. */
API int cuLinkCreate_v2(unsigned, void *, void *, void **state) {
    CONTEXT;
    *state = new std::string;
    return OK;
}
API int cuLinkCreate(unsigned number, void *names, void *values, void **state) {
    return cuLinkCreate_v2(number, names, values, state);
}
API int cuLinkAddData_v2(std::string *state, int, void *data, size_t size, const char *,
                         unsigned, void *, void *) {
    state->assign((char *) data, size);
    return OK;
}
API int cuLinkAddData(std::string *state, int type, void *data, size_t size,
                      const char *name, unsigned number, void *names, void *values) {
    return cuLinkAddData_v2(state, type, data, size, name, number, names, values);
}
API int cuLinkComplete(std::string *state, void **image, size_t *size) {
    *image = (void *) state->c_str();
    *size = state->size() + 1;
    return OK;
}
API int cuLinkDestroy(std::string *state) {
    delete state;
    return OK;
}
