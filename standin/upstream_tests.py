#!/usr/bin/env python3
"""Run the tests of a clone of upstream Blocks on the installed `blocks`.

    python standin/upstream_tests.py CLONE [pytest options]

CLONE is a clone of https://github.com/mila-iqia/blocks at commit c69c2dc2. Its
tests are copied to a temporary folder and run on the `blocks` of the Python that
runs this: upstream itself or the stand-in. What the stand-in does not cover is
left out, on both; ``excluded.txt`` lists it with reasons.

Upstream's tests are for nose and its generators of tests; ``upstream_plugin.py``
makes pytest understand them.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def read_excluded():
    """The test identifiers, or beginnings of them, in excluded.txt."""
    lines = (HERE / "excluded.txt").read_text().splitlines()
    lines = [line for line in lines if line.strip() and not line.startswith(("#", " "))]
    return [line.split()[0] for line in lines]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clone", type=Path, help="folder of upstream's clone")
    parser.add_argument(
        "--all", action="store_true", help="run the excluded tests as well"
    )
    options, pytest_options = parser.parse_known_args()
    if not (options.clone / "tests" / "test_main_loop.py").is_file():
        parser.error(f"{options.clone} is not a clone of Blocks: it has no tests")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(options.clone / "tests", Path(folder, "tests"))
        shutil.copy(HERE / "upstream_plugin.py", Path(folder, "tests", "conftest.py"))
        Path(folder, "pytest.ini").write_text("[pytest]\n")
        command = [sys.executable, "-m", "pytest", "-q", "-W", "ignore", "-rN"]
        for name in [] if options.all else read_excluded():
            kind = "--deselect" if "::" in name else "--ignore"
            command += [f"{kind}={name}"]
        command += pytest_options + ["tests"]
        environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
        return subprocess.call(command, cwd=folder, env=environment)


if __name__ == "__main__":
    sys.exit(main())
