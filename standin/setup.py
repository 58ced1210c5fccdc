"""Install with ``pip install ./standin --no-deps --no-build-isolation``."""

from setuptools import find_packages, setup

setup(
    name="blocks",
    version="0.2.0+standin",
    description="The part of the Blocks interface that this archive uses",
    packages=find_packages(),
    python_requires=">=3.6",
)
