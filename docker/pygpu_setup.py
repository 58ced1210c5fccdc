"""Build pygpu 0.7.6 for this Python; Debian's package has the C that Cython made."""

import numpy
from setuptools import Extension, setup

setup(
    name="pygpu",
    version="0.7.6",
    packages=["pygpu"],
    package_data={"pygpu": ["*.h"]},  # Theano's compiled code includes them
    ext_modules=[
        Extension(
            f"pygpu.{name}",
            [f"pygpu/{name}.c"],
            define_macros=[("GPUARRAY_SHARED", None)],
            include_dirs=[numpy.get_include(), "."],
            libraries=["gpuarray"],
            extra_compile_args=["-w", "-g0"],
        )
        for name in ("gpuarray", "blas", "_elemwise", "collectives")
    ],
)
