"""Builds the native modules; everything else is in pyproject.toml."""

from Cython.Build import cythonize
from setuptools import Extension, setup

setup(
    ext_modules=cythonize(
        [
            Extension(
                f"sterna.dataplane._native.{name}",
                [f"src/sterna/dataplane/_native/{name}.pyx"],
                extra_compile_args=["-O3"],
            )
            for name in ("transcode", "regroup", "framing", "split_rows")
        ],
        compiler_directives={"language_level": "3"},
    )
)
