"""Elementwise operations that the compiler can vectorise.

Theano's C code for an elementwise operation knows the strides of its arguments only
at run time, so that the compiler computes one number at a time as soon as one
argument is not contiguous. The gates of an LSTM are slices of one matrix, and none
of them is. Here the last axis is contiguous by construction.
"""

from contextlib import suppress

from theano import config, scalar
from theano.gof import Apply, Op, optimizer
from theano.gof.utils import MethodNotDefined
from theano.tensor import Elemwise
from theano.tensor.blas import ldflags

# An argument or its contiguous copy, let go of however the operation ends.
HELD = """
struct VectorisedInput {
    PyArrayObject* array;
    VectorisedInput(PyArrayObject* a) : array(a) { Py_INCREF(a); }
    ~VectorisedInput() { Py_XDECREF(array); }
};
"""

# The library that multiplies matrices has the threads: see engine/products.cpp.
THREADS = """
extern "C" void reproduce_in_parts(void (*)(void*, long, long), void*, long, double);

template <class Part>
static inline void in_parts(const Part& part, npy_intp number, double work) {
    reproduce_in_parts([](void* data, long first, long last) {
        (*(const Part*) data)(first, last);
    }, (void*) &part, number, work);
}
"""
ONE_THREAD = """
template <class Part>
static inline void in_parts(const Part& part, npy_intp number, double) {
    part(0, number);
}
"""

# A row is divided between vectors of the compiler's, so that each element is computed
# by the same instructions on any number of threads.
GRAIN = 64

# Denormal numbers count as zero from here on, in what follows too, as on GPUs: each
# operation on one takes a hundred times longer, and DRAW's filters are full of them.
FLUSH = "_mm_setcsr(_mm_getcsr() | 0x8040);"


class Vectorised(Op):
    """An elementwise operation in single precision, row by row.

    An argument whose rows are not contiguous is copied first.

    Parameters
    ----------
    scalar_op : theano.scalar.ScalarOp
        What is done with each element; it has C code.
    inplace : tuple of (int, int)
        Pairs of an output and the input whose memory it takes.
    """

    __props__ = ("scalar_op", "inplace")

    def __init__(self, scalar_op, inplace=()):
        self.scalar_op = scalar_op
        self.inplace = tuple(inplace)
        self.destroy_map = {output: [input_] for output, input_ in self.inplace}

    def make_node(self, *inputs):
        return Apply(
            self,
            list(inputs),
            [
                output.type()
                for output in Elemwise(self.scalar_op)(*inputs, return_list=True)
            ],
        )

    def _scalar_node(self, node):
        """The scalar operation, applied to scalars of the arguments' types."""
        made = [
            [scalar.get_scalar_type(v.dtype)() for v in variables]
            for variables in (node.inputs, node.outputs)
        ]
        scalar_node = Apply(self.scalar_op, *made)
        self.scalar_op.prepare_node(scalar_node, None, None, "c")
        return scalar_node

    def prepare_node(self, node, storage_map, compute_map, impl):
        node.tag.scalar_node = self._scalar_node(node)

    def infer_shape(self, node, shapes):
        return Elemwise(self.scalar_op).infer_shape(node, shapes)

    def c_headers(self):
        with suppress(MethodNotDefined):
            return ["<xmmintrin.h>", *self.scalar_op.c_headers()]
        return ["<xmmintrin.h>"]

    def c_support_code(self):
        code = HELD + (THREADS if threads() else ONE_THREAD)
        with suppress(MethodNotDefined):
            return code + self.scalar_op.c_support_code()
        return code

    def c_libraries(self):
        return ldflags(libs=True) if threads() else []

    def c_compile_args(self):
        return ldflags(libs=False, flags=True) if threads() else []

    def c_lib_dirs(self):
        return ldflags(libs=False, libs_dir=True) if threads() else []

    def c_support_code_apply(self, node, name):
        return self.scalar_op.c_support_code_apply(self._scalar_node(node), name + "s")

    def c_code_cache_version(self):
        version = self.scalar_op.c_code_cache_version()
        return (5, version) if version else ()

    def c_code(self, node, name, inputs, outputs, sub):
        ndim = node.outputs[0].ndim
        axes = range(ndim)
        code = [f"npy_intp n[{ndim}] = {{{', '.join('1' * ndim)}}};"]
        fail = sub["fail"]
        taken = {output: input_ for output, input_ in self.inplace}

        # The shape; `whole` says whether everything is one contiguous row.
        for k, (variable, array) in enumerate(zip(node.inputs, inputs)):
            code.append(f"VectorisedInput held{k}({array});")
            code.append(f"PyArrayObject*& in{k} = held{k}.array;")
            for d in axes:
                if not variable.broadcastable[d]:
                    code.append(f"n[{d}] = PyArray_DIM(in{k}, {d});")
        code.append("int fits = 1, whole = 1;")
        for k, variable in enumerate(node.inputs):
            for d in axes:
                if not variable.broadcastable[d]:
                    code.append(f"fits &= PyArray_DIM(in{k}, {d}) == n[{d}];")
            if not variable.broadcastable[-1]:
                code.append(
                    f"""
                if (n[{ndim - 1}] > 1 && PyArray_STRIDE(in{k}, {ndim - 1})
                        != (npy_intp) sizeof({ctype(variable)})) {{
                    PyArrayObject* copy = PyArray_GETCONTIGUOUS(in{k});
                    Py_DECREF(in{k});
                    in{k} = copy;
                    if (!copy) {{ {fail} }}
                }}"""
                )
            if any(variable.broadcastable) and not all(variable.broadcastable):
                code.append("whole = 0;")
            elif not all(variable.broadcastable):
                code.append(f"whole &= PyArray_IS_C_CONTIGUOUS(in{k});")
        code.append(
            f"""
        if (!fits) {{
            PyErr_SetString(PyExc_ValueError,
                            "elementwise: the arguments differ in shape");
            {fail}
        }}"""
        )

        # The outputs.
        for k, (variable, array) in enumerate(zip(node.outputs, outputs)):
            same = " && ".join(f"PyArray_DIM({array}, {d}) == n[{d}]" for d in axes)
            if k in taken:
                code.append(
                    f"""
                if ({array} != in{taken[k]}) {{
                    Py_XDECREF({array});
                    {array} = in{taken[k]};
                    Py_INCREF({array});
                }}"""
                )
            code.append(
                f"""
            if (!{array} || !({same}) || (n[{ndim - 1}] > 1 &&
                    PyArray_STRIDE({array}, {ndim - 1})
                    != (npy_intp) sizeof({ctype(variable)}))) {{
                Py_XDECREF({array});
                {array} = (PyArrayObject*) PyArray_EMPTY(
                    {ndim}, n, {typenum(variable)}, 0);
                if (!{array}) {{ {fail} }}
            }}
            PyArrayObject* out{k} = {array};
            whole &= PyArray_IS_C_CONTIGUOUS(out{k});"""
            )

        # The loops: over the rows from `first` to `last`, or over this part of the one.
        code.append(
            f"""
        npy_intp length = n[{ndim - 1}];
        double work = length;
        for (int d = 0; d < {ndim - 1}; ++d) work *= n[d];
        whole |= {ndim == 1:d};
        if (whole) {{
            for (int d = 0; d < {ndim - 1}; ++d) {{ length *= n[d]; n[d] = 1; }}
        }}
        const npy_intp number = whole ? (length + {GRAIN - 1}) / {GRAIN} : n[0];
        const auto part = [&](const npy_intp first, const npy_intp last) {{
        {FLUSH}
        const npy_intp from = whole ? {GRAIN} * first : 0;
        const bool ends = !whole || {GRAIN} * last >= length;
        const npy_intp to = ends ? length : {GRAIN} * last;"""
        )
        for d in axes[:-1]:
            one = f"i{d} = whole ? 0 : first; i{d} < (whole ? 1 : last)"
            every = f"i{d} = 0; i{d} < n[{d}]"
            code.append(f"for (npy_intp {every if d else one}; ++i{d}) {{")
        arrays = [(v, f"in{k}", f"x{k}") for k, v in enumerate(node.inputs)]
        arrays += [(v, f"out{k}", f"y{k}") for k, v in enumerate(node.outputs)]
        for variable, array, row in arrays:
            offsets = [
                f" + i{d} * PyArray_STRIDE({array}, {d})"
                for d in axes[:-1]
                if not variable.broadcastable[d]
            ]
            code.append(
                f"{ctype(variable)}* {row} = ({ctype(variable)}*) "
                f"(PyArray_BYTES({array}){''.join(offsets)});"
            )
        given, made = [], []
        loop = []
        for k, variable in enumerate(node.inputs):
            given.append(f"a{k}")
            if variable.broadcastable[-1]:
                code.append(f"const {ctype(variable)} a{k} = x{k}[0];")
            else:
                loop.append(f"const {ctype(variable)} a{k} = x{k}[j];")
        for k, variable in enumerate(node.outputs):
            made.append(f"b{k}")
            loop.append(f"{ctype(variable)} b{k};")
        scalar_code = self.scalar_op.c_code(
            self._scalar_node(node), name + "s", given, made, sub
        )
        loop.append("{" + scalar_code + "}")
        loop += [f"y{k}[j] = b{k};" for k in range(len(made))]
        code.append(
            """
        #pragma GCC ivdep
        for (npy_intp j = from; j < to; ++j) {"""
        )
        code += loop
        code.append("}" * ndim + "};\nin_parts(part, number, work);")
        return "{" + "\n".join(code) + "}"


def threads():
    """Whether products have threads that elementwise operations can use, too."""
    return "-lreproduce_onednn" in config.blas.ldflags


def ctype(variable):
    """The C type of a variable's elements."""
    return variable.type.dtype_specs()[1]


def typenum(variable):
    """NumPy's C name for the type of a variable's elements."""
    return variable.type.dtype_specs()[2]


@optimizer
def vectorise(fgraph):
    """Replace elementwise operations on single precision by vectorised ones.

    In one replacement, since Theano checks anew what is computed in place after each.
    The last operations come first, since each new one takes the results of old ones.
    """
    pairs = []
    for node in reversed(fgraph.toposort()):
        if suits(node):
            op = Vectorised(node.op.scalar_op, sorted(node.op.inplace_pattern.items()))
            pairs += zip(node.outputs, op(*node.inputs, return_list=True))
    fgraph.replace_all_validate(pairs, reason="vectorise")


def suits(node):
    """Whether `node` is an elementwise operation on arrays in single precision."""
    return (
        isinstance(node.op, Elemwise)
        and config.cxx
        and node.outputs[0].ndim > 0
        and not all(node.outputs[0].broadcastable)
        and all(v.dtype == "float32" for v in node.inputs + node.outputs)
    )
