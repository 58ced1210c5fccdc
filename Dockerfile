# Two images that share every layer up to their entry points: `reproduce-ptb` and
# `reproduce-draw`. `./reproduce images` builds both; by hand it is
#   docker build --target reproduce-ptb --tag reproduce-ptb .
# What may be changed, each with --build-arg:
#   BASE    a Debian 12 with Python 3.8 in /usr/local
#   BLOCKS  upstream, standin, or a file in docker/blocks/ (see the note there)
#   CUDA    11.8 or 12.9 (docs/GPU.md says for which cards and drivers)
#   DEBIAN  another address of Debian's packages, such as a dated snapshot of them
# A network with its own certificates, pip settings or apt settings hands them over as
# secrets named ca, pip and apt (docker/network.sh); nothing of them stays in the image.

ARG BASE=python:3.8.20-slim-bookworm@sha256:1d52838af602b4b5a831beb13a0e4d073280665ea7be7f69ce2382f29c5a613f


# What both the build and the run need: a compiler, for Theano compiles its functions
# when they are first used, and libgpuarray with its headers.
FROM ${BASE} AS base
ARG DEBIAN=""
COPY docker/network.sh /opt/reproduce/docker/network.sh
# DL3008 wants every version pinned. A Debian release keeps one version of a package and
# drops it for the next security fix, so that pinning g++ or git would only make this
# fail one day; what matters, libgpuarray, is pinned.
# hadolint ignore=DL3008
RUN --mount=type=secret,id=apt --mount=type=secret,id=ca \
    . /opt/reproduce/docker/network.sh && \
    apt-get update && \
    apt-get install --yes --no-install-recommends g++ \
        libgpuarray-dev=0.7.6-* && \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log


# CUDA's compiler and BLAS, under the names by which libgpuarray looks for them.
# The driver's library gets its unversioned name too; without a driver that link leads
# nowhere, and nothing is found.
FROM base AS cuda
WORKDIR /opt/cuda
COPY docker/cuda-11.8.txt docker/cuda-12.9.txt docker/newer_cards.c ./
ARG CUDA=11.8
RUN --mount=type=secret,id=pip --mount=type=secret,id=ca \
    . /opt/reproduce/docker/network.sh && \
    python3.8 -m pip install --no-cache-dir --no-deps --no-compile --require-hashes \
        --only-binary :all: --target wheels -r "cuda-${CUDA}.txt" && \
    mkdir lib && \
    mv wheels/nvidia/cuda_nvrtc/lib/libnvrtc.so.* \
        wheels/nvidia/cuda_nvrtc/lib/libnvrtc-builtins.so.* \
        wheels/nvidia/cublas/lib/libcublas*.so.* lib/ && \
    find wheels/nvidia_cublas* -name License.txt -exec mv {} LICENSE.NVIDIA.txt \; && \
    gcc -O2 -shared -fPIC newer_cards.c -o lib/libnvrtc.so \
        -Wl,--no-as-needed lib/libnvrtc.so.* && \
    ln -s --relative lib/libcublas.so.* lib/libcublas.so && \
    ln -s /usr/lib/x86_64-linux-gnu/libcuda.so.1 lib/libcuda.so && \
    rm -rf wheels


# The environment that `./reproduce setup` makes, and pygpu.
FROM base AS environment
# DL3008: as above.
# hadolint ignore=DL3008
RUN --mount=type=secret,id=apt --mount=type=secret,id=ca \
    . /opt/reproduce/docker/network.sh && \
    apt-get update && \
    apt-get install --yes --no-install-recommends git ca-certificates && \
    apt-get download python3-pygpu=0.7.6-* && \
    dpkg --extract python3-pygpu_*.deb /opt/pygpu && \
    rm -rf python3-pygpu_*.deb /var/lib/apt/lists/*
WORKDIR /opt/reproduce
COPY reproduce requirements.txt theanorc ./
COPY install/ install/
COPY engine/products.cpp engine/products.cpp
COPY standin/ standin/
COPY common/ common/
COPY docker/blocks/ docker/blocks/
ARG BLOCKS=upstream
RUN --mount=type=secret,id=pip --mount=type=secret,id=ca \
    . docker/network.sh && \
    PIP_NO_CACHE_DIR=1 REPRODUCE_PYTHON=/usr/local/bin/python3.8 \
    python3.8 reproduce setup --blocks "${BLOCKS}"
COPY docker/pygpu.txt docker/pygpu_setup.py docker/
# pygpu for this Python, from the C that Cython has made for Debian's.
RUN --mount=type=secret,id=pip --mount=type=secret,id=ca \
    . docker/network.sh && \
    .venv/bin/python -m pip install --no-cache-dir --require-hashes \
        --only-binary :all: -r docker/pygpu.txt && \
    mv /opt/pygpu/usr/lib/python3/dist-packages/pygpu /opt/pygpu/pygpu && \
    cp docker/pygpu_setup.py /opt/pygpu/setup.py && \
    .venv/bin/python -m pip install --no-cache-dir --no-deps --no-index \
        --no-build-isolation /opt/pygpu && \
    .venv/bin/python -c "import pygpu; assert pygpu.__version__ == '0.7.6'"


FROM base AS common
COPY --from=cuda /opt/cuda /opt/cuda
COPY --from=environment /opt/reproduce/.venv /opt/reproduce/.venv
WORKDIR /opt/reproduce
COPY . .
# Any user may write into the volumes; HOME, for a user that this system does not know.
RUN mkdir -m 1777 /data /results && \
    find . ! -perm -a=r -exec chmod a+rX {} + && \
    .venv/bin/python -m compileall -q bricks common datasets engine experiments runs \
        training
ENV HOME=/tmp \
    LD_LIBRARY_PATH=/opt/cuda/lib \
    MPLBACKEND=Agg \
    MPLCONFIGDIR=/tmp/matplotlib \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    NVIDIA_VISIBLE_DEVICES=all \
    PYTHONPATH=/opt/reproduce \
    PYTHONUNBUFFERED=1 \
    USER=reproduce
VOLUME ["/data", "/results"]
WORKDIR /
USER 1000:1000


FROM common AS reproduce-draw
ENTRYPOINT ["/opt/reproduce/.venv/bin/python", "/opt/reproduce/docker/entry.py", "draw"]


FROM common AS reproduce-ptb
ENTRYPOINT ["/opt/reproduce/.venv/bin/python", "/opt/reproduce/docker/entry.py", "ptb"]
