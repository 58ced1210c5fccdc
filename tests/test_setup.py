"""`./reproduce` and its set-up, with programs that only pretend.

Nothing here needs the network, installs anything or compiles.
"""

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from common import ROOT
from common.errors import RunError
from install import blas, blocks, environment, pip, python38, steps

GOOD = {
    "version": [3, 8, 18],
    "implementation": "CPython",
    "bits": 64,
    "executable": "$0",
    "pip": "/pip.whl",
    "missing": [],
    "header": "/include/Python.h",
    "has_header": True,
}


def program(path, script):
    """Write an executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(0o755)
    return str(path)


def python(path, **changes):
    """Write a program that answers as a Python does."""
    answer = json.dumps(dict(GOOD, **changes)).replace('"', '\\"')
    return program(path, f'echo "{answer}"\n')


def refusing_shim(path):
    return program(path, 'echo "pyenv: python3.8: command not found" >&2\nexit 127\n')


def search(tmp_path, *folders, **variables):
    path = os.pathsep.join(map(str, folders))
    return dict(HOME=str(tmp_path / "home"), PATH=path, **variables)


# Finding Python 3.8


def test_path_comes_before_pyenv(tmp_path):
    wanted = python(tmp_path / "bin" / "python3.8")
    python(tmp_path / "home/.pyenv/versions/3.8.1/bin/python3.8")
    assert python38.find(search(tmp_path, tmp_path / "bin"))[0] == wanted


@pytest.mark.parametrize("known_by", ["PYENV_ROOT", "home", "shims", "pyenv", "link"])
def test_pyenv_whose_shim_refuses(tmp_path, known_by):
    root = tmp_path / ("home/.pyenv" if known_by == "home" else "elsewhere")
    shims = root / "shims" if known_by != "pyenv" else root / "other"
    refusing_shim(shims / "python3.8")
    folders, variables = [tmp_path / "none"], {}
    if known_by == "PYENV_ROOT":
        variables["PYENV_ROOT"] = str(root)
    elif known_by == "shims":
        folders.append(str(shims) + "/")
    elif known_by == "pyenv":
        program(root / "bin/pyenv", "exit 1\n")
        folders += [root / "bin", shims]
    elif known_by == "link":
        program(root / "libexec/pyenv", "exit 1\n")
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin/pyenv").symlink_to(root / "libexec/pyenv")
        folders.append(tmp_path / "bin")
    python(root / "versions/3.8.9/bin/python3.8")
    wanted = python(root / "versions/3.8.18/bin/python3.8")
    python(root / "versions/3.9.1/bin/python3.8")
    assert python38.find(search(tmp_path, *folders, **variables))[0] == wanted


def test_what_lacks_something_is_passed_over(tmp_path):
    python(tmp_path / "a/python3.8", version=[3, 9, 1])
    python(tmp_path / "b/python3.8", implementation="PyPy")
    python(tmp_path / "c/python3.8", has_header=False)
    python(tmp_path / "d/python3.8", missing=["venv"])
    program(tmp_path / "e/python3.8", "echo hello\n")
    program(tmp_path / "f/python3.8", "exit 0\n")
    folders = [tmp_path / letter for letter in "abcdef"]
    with pytest.raises(RunError) as error:
        python38.find(search(tmp_path, *folders))
    for words in ["is CPython 3.9.1", "is PyPy", "python3.8-dev", "python3.8-venv"]:
        assert words in str(error.value)
    wanted = python(tmp_path / "g/python3.8")
    assert python38.find(search(tmp_path, *folders, tmp_path / "g"))[0] == wanted


def test_the_one_asked_for_or_none(tmp_path):
    python(tmp_path / "bin/python3.8")
    mine = python(tmp_path / "mine")
    variables = search(tmp_path, tmp_path / "bin", REPRODUCE_PYTHON=mine)
    assert python38.find(variables)[0] == mine
    python(tmp_path / "mine", version=[3, 11, 2])
    with pytest.raises(RunError, match="REPRODUCE_PYTHON.*is CPython 3.11.2"):
        python38.find(variables)
    variables["REPRODUCE_PYTHON"] = str(tmp_path / "missing")
    with pytest.raises(RunError, match="missing, which does not run"):
        python38.find(variables)


@pytest.mark.parametrize("fetched", [True, False])
def test_uv_fetches_one(tmp_path, monkeypatch, fetched):
    monkeypatch.setattr(steps, "LOG", str(tmp_path / "log"))
    there = tmp_path / "uv-python"
    if fetched:
        python(there)
    else:
        python(tmp_path / "spare")
    uv = f"""
    if [ "$2" = install ]; then cp {tmp_path}/spare {there}; exit; fi
    [ -e {there} ] && echo {there}
    """
    program(tmp_path / "home/.local/bin/uv", uv)
    found = python38.find(search(tmp_path, "/usr/bin", "/bin"))
    assert found == (str(there), "/pip.whl")
    assert (tmp_path / "log").exists() != fetched


def test_uv_that_fails_does_not_hide_the_rest(tmp_path, monkeypatch):
    monkeypatch.setattr(steps, "LOG", str(tmp_path / "log"))
    python(tmp_path / "a/python3.8", has_header=False)
    program(tmp_path / "home/.cargo/bin/uv", "echo no network\nexit 2\n")
    with pytest.raises(RunError, match="set REPRODUCE_PYTHON") as error:
        python38.find(search(tmp_path, tmp_path / "a"))
    for words in ["python3.8-dev", "with uv failed (exit status 2): no network"]:
        assert words in str(error.value)


def test_the_python_of_these_tests_is_found():
    variables = dict(os.environ, REPRODUCE_PYTHON=sys.executable)
    executable, pip = python38.find(variables)
    # The one behind .venv, for a new .venv must not need an old one.
    assert Path(executable).resolve() == Path(sys.executable).resolve()
    assert not executable.startswith(str(ROOT / ".venv")) and pip.endswith(".whl")


# Where Blocks comes from


@pytest.fixture
def upstream(tmp_path, monkeypatch):
    """A small git repository in the place of upstream's."""
    clone = tmp_path / "clone"
    (clone / "blocks").mkdir(parents=True)
    (clone / "setup.py").write_text("")
    (clone / "blocks" / "__init__.py").write_text("")
    git = ["git", "-C", str(clone), "-c", "user.name=a", "-c", "user.email=a@b"]
    for words in ["init -q", "add .", "commit -q -m one"]:
        subprocess.run(git + words.split(), check=True)
    head = subprocess.run(git + ["rev-parse", "HEAD"], stdout=subprocess.PIPE)
    (clone / "untracked").write_text("")
    monkeypatch.setattr(blocks, "COMMIT", head.stdout.decode().strip())
    head = subprocess.run(git + ["rev-parse", "HEAD:"], stdout=subprocess.PIPE)
    monkeypatch.setattr(blocks, "TREE", head.stdout.decode().strip())
    monkeypatch.setattr(blocks, "URL", clone.as_uri())
    monkeypatch.setattr(blocks, "MIRROR", str(tmp_path / "mirror.git"))
    standin = tmp_path / "standin"
    standin.mkdir()
    (standin / "setup.py").write_text("")
    monkeypatch.setattr(blocks, "STANDIN", str(standin))
    return clone


@pytest.mark.parametrize("wanted", [None, "upstream", "clone", "bare", "folder"])
def test_blocks_is_upstream(tmp_path, upstream, wanted):
    if wanted == "clone":
        wanted = str(upstream)
    elif wanted == "bare":
        wanted = str(tmp_path / "bare")
        command = ["git", "clone", "-q", "--bare", str(upstream), wanted]
        subprocess.run(command, check=True)
    elif wanted == "folder":
        wanted = str(shutil.copytree(str(upstream), str(tmp_path / "unpacked")))
        shutil.rmtree(wanted + "/.git")
    choice = blocks.choose(wanted)
    blocks.write_folder(choice["files"], str(tmp_path / "source"))
    assert (tmp_path / "source/blocks/__init__.py").exists()
    unpacked = choice["source"] == "folder"
    assert choice["commit"] == (None if unpacked else blocks.COMMIT)
    assert (tmp_path / "source/untracked").exists() == unpacked
    if wanted is None:  # what was fetched does for the next time
        shutil.rmtree(str(upstream))
        assert blocks.choose(None)["source"] == "upstream"


def test_blocks_that_cannot_be_had(tmp_path, upstream, monkeypatch, capsys):
    def refused(wanted, match):
        with pytest.raises(RunError, match=match):
            blocks.choose(wanted)

    refused(str(tmp_path / "nowhere"), "nowhere: is not a folder")
    refused(str(tmp_path), "has no Blocks in it")
    monkeypatch.setattr(blocks, "COMMIT", "0" * 40)
    refused(str(upstream), "lacks the commit.*git -C .* fetch .* 0000")
    monkeypatch.setattr(blocks, "URL", (tmp_path / "gone").as_uri())
    refused("upstream", "cannot be reached")
    assert blocks.choose(None)["source"] == "standin"
    assert "stand-in, for upstream cannot be reached" in capsys.readouterr().err
    shutil.rmtree(blocks.STANDIN)
    refused(None, "has no stand-in")
    refused("standin", "has no stand-in")


@pytest.fixture
def hostile(upstream, tmp_path, monkeypatch):
    """A clone that gives other files for the pinned commit, and would run a program."""
    ran = tmp_path / "ran"
    git = ["git", "-C", str(upstream), "-c", "user.name=a", "-c", "user.email=a@b"]
    (upstream / "setup.py").write_text("evil")
    subprocess.run([*git, "commit", "-qam", "other"], check=True)
    attributes = upstream / ".git/info/attributes"
    attributes.parent.mkdir(exist_ok=True)
    attributes.write_text("* filter=evil\nsetup.py export-ignore\n")
    for name in ("filter.evil.smudge", "core.fsmonitor", "core.sshCommand"):
        subprocess.run([*git, "config", name, f"touch {ran}; cat"], check=True)
    (tmp_path / "home").mkdir()
    (tmp_path / "home/.gitconfig").write_text("[core]\n\tautocrlf = true\n")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    yield git
    assert not ran.exists()


def test_a_clones_settings_do_not_count(upstream, hostile):
    command = [*hostile, "replace", blocks.COMMIT, "HEAD"]
    env = {k: v for k, v in os.environ.items() if k != "GIT_DIR"}
    subprocess.run(command, check=True, env=env)
    files = blocks.choose(str(upstream))["files"]
    assert files["setup.py"] == (False, b"") and blocks.tree(files) == blocks.TREE


def test_other_files_than_the_commits_are_refused(upstream, hostile, tmp_path):
    """As are objects that are not there, and a tar that only names the commit."""
    env = {k: v for k, v in os.environ.items() if k != "GIT_DIR"}
    tar = str(tmp_path / "other.tar")
    subprocess.run([*hostile, "archive", "-o", tar, "HEAD"], check=True, env=env)
    with tarfile.open(tar) as old, tarfile.open(
        str(tmp_path / "named.tar"), "w", pax_headers={"comment": blocks.COMMIT}
    ) as new:
        for member in old.getmembers():
            new.addfile(member, old.extractfile(member) if member.isreg() else None)
    with pytest.raises(RunError, match="named.tar: its files are not those of commit"):
        blocks.choose(str(tmp_path / "named.tar"))
    (tmp_path / "ran").unlink()  # by git itself
    blob = (
        subprocess.check_output(
            [*hostile, "rev-parse", "HEAD:blocks/__init__.py"], env=env
        )
        .decode()
        .strip()
    )
    (upstream / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(RunError, match="lacks the commit.*or some of its files"):
        blocks.choose(str(upstream))


def test_a_tar_that_wants_out_or_is_too_large(tmp_path, monkeypatch):
    for name, member in {"../out": "x", "/tmp/out": "x", "link": None}.items():
        with tarfile.open(str(tmp_path / "x.tar"), "w") as tar:
            about = tarfile.TarInfo(name)
            if member is None:
                about.type, about.linkname = tarfile.SYMTYPE, "/etc"
            tar.addfile(about)
        with pytest.raises(RunError, match="its files are not those"):
            blocks.choose(str(tmp_path / "x.tar"))
    blocks.write_tar({"a": (False, b"12"), "b": (True, b"")}, str(tmp_path / "y.tar"))
    monkeypatch.setattr(blocks, "LARGEST", 1)
    with pytest.raises(RunError, match="y.tar: more than"):
        blocks.choose(str(tmp_path / "y.tar"))


def test_standin_digest_sees_sources_only(upstream):
    before = blocks.standin_digest()
    build = Path(blocks.STANDIN, "build")
    build.mkdir()
    (build / "a.py").write_text("")
    assert blocks.standin_digest() == before
    Path(blocks.STANDIN, "a.py").write_text("")
    assert blocks.standin_digest() != before


# The compiler and BLAS


def test_missing_compiler_is_named(tmp_path, monkeypatch):
    program(tmp_path / "apt-get", "")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RunError, match="apt-get install g\\+\\+"):
        blas.check_compiler()
    program(tmp_path / "g++", "echo cannot find crt1.o\nexit 1\n")
    with pytest.raises(RunError, match="crt1.o.*apt-get install g\\+\\+"):
        blas.check_compiler()


def test_a_compiler_is_not_blamed_for_its_surroundings(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("TMPDIR", "/full")
    program(tmp_path / "g++", "echo error: No space left on device\nexit 1\n")
    with pytest.raises(
        RunError, match="No space left on device.*in /full, which TMPDIR"
    ):
        blas.check_compiler()
    # As on a file system that is mounted noexec.
    program(tmp_path / "g++", 'while [ "$1" != -o ]; do shift; done; echo > "$2"\n')
    with pytest.raises(RunError, match="Permission denied.*noexec") as error:
        blas.check_compiler()
    assert "Reinstall" not in str(error.value)


@pytest.mark.parametrize(
    "system, wheel, chosen",
    [
        (1.0, 1.0, "-lopenblas"),
        (1.1, 1.0, "-lopenblas"),
        (1.3, 1.0, "scipy_openblas"),
        (None, 1.0, "scipy_openblas"),
        (9.0, None, "-lopenblas"),
    ],
)
def test_choice_of_blas(monkeypatch, system, wheel, chosen):
    system, blis = (system, "system"), (20, "the system's other")
    seconds = {"the system's -lopenblas": system, "the system's -lblas": blis}
    seconds[blas.WHEEL] = wheel, "wheel"
    found = {name: best for name, best in seconds.items() if best[0]}
    monkeypatch.setattr(blas, "measure", lambda ways, compiler: dict(found))
    settings, library, reason = blas.choose("/wheel", "g++", None)
    assert chosen in settings and "GFLOPS" in reason
    assert ("-Dsgemm_=scipy_sgemm_" in settings) == ("scipy" in chosen)
    assert library == ("wheel" if "scipy" in chosen else "system")


@pytest.mark.parametrize("onednn, taken", [(0.9, False), (0.5, True)])
def test_onednn_is_taken_where_it_is_faster(monkeypatch, tmp_path, onednn, taken):
    def measured(ways, compiler):
        flags, macros = ways[blas.ONEDNN]
        assert "-lreproduce_onednn" in flags and "-lscipy_openblas" in flags
        assert macros.count("-Dsgemm_=reproduce_onednn_sgemm_") == 1
        assert "-Dsgemm_=scipy_sgemm_" not in macros
        return {blas.WHEEL: (1.0, "wheel"), blas.ONEDNN: (onednn, "fast")}

    monkeypatch.setattr(blas, "build_onednn", lambda *a: ["-lreproduce_onednn"])
    monkeypatch.setattr(blas, "measure", measured)
    settings, library, reason = blas.choose("/wheel", "g++", str(tmp_path))
    assert ("reproduce_onednn" in settings) == taken
    assert library == ("fast" if taken else "wheel")
    assert reason.startswith("oneDNN" if taken else "the wheel's OpenBLAS")
    assert taken or "; oneDNN" in reason


def test_without_onednn_there_is_still_a_blas(monkeypatch, tmp_path):
    assert blas.build_onednn(str(tmp_path), [], blas.check_compiler()) is None
    monkeypatch.setattr(blas, "build_onednn", lambda *arguments: None)
    monkeypatch.setattr(blas, "measure", lambda *a: {blas.WHEEL: (1.0, "wheel")})
    settings, _, reason = blas.choose("/wheel", "g++", str(tmp_path))
    assert "-Dsgemm_=scipy_sgemm_" in settings and "oneDNN does not link" in reason


@pytest.mark.parametrize("works, name", [(True, "_262144"), (False, "_0")])
def test_the_name_says_from_where_on_all_cores_work(monkeypatch, tmp_path, works, name):
    built = []
    monkeypatch.setattr(
        blas.steps, "call", lambda command, **_: built.append(command) or (0, "")
    )
    monkeypatch.setattr(blas, "_build", lambda *arguments: works)
    monkeypatch.setattr(blas, "_run", lambda probe: (1.0, ""))
    monkeypatch.setattr(blas, "threads_from", lambda probe: 262144.0)
    flags = blas.build_onednn(str(tmp_path), [], "g++")
    assert flags == [f"-L{tmp_path}", f"-lreproduce_onednn{name}"]
    assert f"{tmp_path}/libreproduce_onednn{name}.so" in built[-1]
    assert ("-DTHREADS_FROM=262144.0" in built[-1]) == works


def test_another_source_of_the_products_is_another_key(monkeypatch, tmp_path):
    before, other = environment._key(), tmp_path / "products.cpp"
    other.write_text(open(blas.PRODUCTS).read() + "// changed")
    monkeypatch.setattr(blas, "PRODUCTS", str(other))
    assert environment._key() != before


def test_the_source_for_onednn_compiles():
    source = ROOT / "engine" / "products.cpp"
    command = [blas.check_compiler(), "-fsyntax-only", "-fopenmp", "-Wall", "-Werror"]
    command += ["-DOPENBLAS_SGEMM=sgemm_", "-DOPENBLAS_SET_NUM_THREADS=set_threads"]
    command += ["-DTHREADS_FROM=1e6"]
    assert steps.call([*command, str(source)], timeout=60) == (0, "")


@pytest.mark.parametrize("gains, least", [([4096, 1024], 1024 * 64 * 256), ([], 1e6)])
def test_from_where_on_products_get_all_cores(monkeypatch, gains, least):
    def run(binary, sizes, threads):
        return 1.0 if threads is blas.ALONE or sizes[0] not in gains else 0.6, ""

    monkeypatch.setattr(blas, "_run", run)
    assert blas.threads_from("probe") == least


def test_no_blas(monkeypatch):
    monkeypatch.setattr(blas, "measure", lambda *arguments: {})
    with pytest.raises(RunError, match="no BLAS links"):
        blas.choose("/wheel", "g++", None)


def test_the_blas_in_use_is_right_and_wrong_ones_are_not(tmp_path):
    compiler = blas.check_compiler()
    theanorc = Path(sys.prefix, "theanorc")
    if not theanorc.exists():
        pytest.skip("this environment was not made by ./reproduce setup")
    lines = dict(
        line.split(" = ", 1)
        for line in theanorc.read_text().splitlines()
        if " = " in line
    )
    flags = lines["ldflags"].split()
    flags += ["-Wl,-rpath," + flag[2:] for flag in flags if flag.startswith("-L")]
    macros = lines.get("cxxflags", "").split()
    found = blas.measure({"ours": (flags, macros)}, compiler)
    assert 0 < found["ours"][0] < 60 and os.path.exists(found["ours"][1])
    # One that links and does nothing.
    code = 'extern "C" void sgemm_() {}'
    (tmp_path / "wrong.cpp").write_text(code)
    wrong = str(tmp_path / "libwrong.so")
    command = [compiler, "-shared", "-fPIC", str(tmp_path / "wrong.cpp"), "-o", wrong]
    subprocess.run(command, check=True)
    ways = {"wrong": ([wrong], []), "missing": (["-lmissing"], [])}
    assert blas.measure(ways, compiler) == {}


# The whole of `./reproduce`, with a pretended Python, pip and g++

FAKE_PYTHON = """
say() { echo "$*" >> CALLS; }
case "$*" in
*"-I -c"*) echo "$ANSWER" ;;
*"config list"*) ;;
*"-m venv"*) say venv; eval last=\\$$#; mkdir -p $last/bin; cp "$0" $last/bin/python ;;
*pip*requirements.txt*) say packages; echo fetching; [ -z "$FAIL" ] && $WAIT ;;
*pip*install*source*|*pip*blocks*) say blocks ;;
*pip*) say pip ;;
*scipy_openblas32*) echo /wheel ;;
*product*) say check; echo '"0.2.0+fake"' ;;
*) shift; say run "$@"; pwd > CALLS.pwd; exit 7 ;;
esac
"""
FAKE_COMPILER = """
while [ "$1" != -o ]; do shift; done
printf '#!/bin/sh\\necho 0.01 /bin/sh' > "$2"
chmod +x "$2"
"""


@pytest.fixture
def checkout(tmp_path):
    """A copy of what `./reproduce` is made of, and a function that runs it."""
    root = tmp_path / "checkout"
    root.mkdir()
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("install", "common"):
        shutil.copytree(str(ROOT / name), str(root / name), ignore=ignore)
    (root / "engine").mkdir()
    for name in ["reproduce", "requirements.txt", "engine/products.cpp"]:
        shutil.copy(str(ROOT / name), str(root / name))
    (root / "standin").mkdir()
    (root / "standin/setup.py").write_text("")
    fake = FAKE_PYTHON.replace("CALLS", str(tmp_path / "calls"))
    program(tmp_path / "python", fake)
    program(tmp_path / "bin/g++", FAKE_COMPILER)
    answer = json.dumps(dict(GOOD, executable=str(tmp_path / "python")))
    variables = dict(
        HOME=str(tmp_path),
        PATH=f"{tmp_path}/bin:/usr/bin:/bin",
        REPRODUCE_PYTHON=str(tmp_path / "python"),
        ANSWER=answer,
        WAIT="true",
    )
    return root, variables


def reproduce(checkout, *arguments, **variables):
    """Start `./reproduce`."""
    root, usual = checkout
    return subprocess.Popen(
        [sys.executable, str(root / "reproduce"), *arguments],
        env=dict(usual, **variables),
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def calls(checkout):
    """What the pretended Python was asked for since the last time."""
    path = checkout[0].parent / "calls"
    said = path.read_text().splitlines() if path.exists() else []
    path.write_text("")
    return said


SETUP = ["setup", "--blocks", "standin"]
WHOLE = ["venv", "pip", "packages", "pip", "blocks", "blocks", "check"]


def test_setup_once(checkout):
    process = reproduce(checkout, *SETUP)
    _, said = process.communicate()
    assert process.returncode == 0, said
    assert calls(checkout) == WHOLE
    record = json.loads((checkout[0] / ".venv/blocks.json").read_text())
    assert record["source"] == "standin" and record["version"] == "0.2.0+fake"

    # Processor time, for the machine may be busy with other things.
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = reproduce(checkout, "setup")
    assert "is complete; Blocks 0.2.0+fake (standin)" in process.communicate()[1]
    assert process.returncode == 0 and not calls(checkout)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.7

    # Another stand-in is installed into the same .venv.
    (checkout[0] / "standin/new.py").write_text("")
    assert reproduce(checkout, "setup").wait() == 0
    assert calls(checkout) == ["blocks", "blocks", "check"]
    # Other requirements are a reason for another .venv.
    with open(str(checkout[0] / "requirements.txt"), "a") as file:
        file.write("# changed\n")
    assert reproduce(checkout, "setup").wait() == 0
    assert calls(checkout) == WHOLE
    # So is one that is broken, or whose Python or library is gone.
    (checkout[0] / ".venv/bin/python").unlink()
    assert reproduce(checkout, "setup").wait() == 0
    assert calls(checkout) == WHOLE


def test_exit_status_and_options_are_passed(checkout):
    assert reproduce(checkout, *SETUP).wait() == 0
    calls(checkout)
    assert reproduce(checkout, "test", "--help", "-k", "a b").wait() == 7
    assert calls(checkout) == ["run pytest --help -k a b"]
    assert Path(f"{checkout[0].parent}/calls.pwd").read_text() == f"{checkout[0]}\n"
    process = reproduce(checkout, "ptb", "--epochs", "1")
    assert "this checkout has no " in process.communicate()[1]
    assert process.returncode == 1
    (checkout[0] / "ptb_experiment.py").write_text("")
    assert reproduce(checkout, "ptb", "--epochs", "1").wait() == 7
    assert calls(checkout) == ["run ptb_experiment --epochs 1"]
    # Paths in options are seen from the folder that the user is in.
    assert Path(f"{checkout[0].parent}/calls.pwd").read_text() == f"{os.getcwd()}\n"


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_interrupted(checkout, signum):
    pid = checkout[0].parent / "pid"
    program(checkout[0].parent / "bin/wait", f"echo $$ > {pid}\nexec sleep 2.5\n")
    process = reproduce(checkout, *SETUP, WAIT="exec wait")
    while not (pid.exists() and pid.read_text().strip()):
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, signum)
    _, said = process.communicate()
    if signum == signal.SIGKILL:
        assert process.returncode == -signum
    else:
        assert process.returncode == 128 + signum
        assert "stopped; the same command continues" in said
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid.read_text()), 0)
    calls(checkout)
    process = reproduce(checkout, *SETUP)
    _, said = process.communicate()
    assert process.returncode == 0 and calls(checkout) == WHOLE
    # A pip that outlives its set-up is waited for.
    assert ("waiting for another set-up" in said) == (signum == signal.SIGKILL)


def test_a_step_that_fails(checkout):
    process = reproduce(checkout, *SETUP, FAIL="yes")
    _, said = process.communicate()
    assert process.returncode == 1
    assert "installing the packages failed (exit status 1): fetching" in said
    assert str(checkout[0] / ".cache/setup.log") in said and "Traceback" not in said
    assert reproduce(checkout, *SETUP).wait() == 0


@pytest.mark.parametrize("character", [" ", "$", "'", ",", "\n", "\udc80"])
def test_a_path_that_theano_cannot_carry(checkout, character):
    root, variables = checkout
    other = root.parent / f"with{character}it"
    root.rename(other)
    process = reproduce((other, variables), *SETUP)
    said = process.communicate()[1]
    assert f"contains {character!r}".replace("'", "") in said.replace("'", "")
    assert process.returncode == 1 and "Traceback" not in said
    assert not calls((root, variables))


def test_a_file_system_without_locks(monkeypatch, capsys, tmp_path):
    (tmp_path / ".cache").mkdir()
    monkeypatch.setattr(environment, "ROOT", tmp_path)

    def refuse(*arguments):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(environment.fcntl, "flock", refuse)
    with environment.lock():
        assert "no lock (Function not implemented)" in capsys.readouterr().err


# What of the user's world counts

OTHERS = (
    "PYTHONPATH PYTHONHOME PYTHONSAFEPATH PYTHONOPTIMIZE PYTHONWARNINGS PYTHONINSPECT "
    "VIRTUAL_ENV GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY "
    "GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_REPLACE_REF_BASE"
).split()
USERS = "HTTPS_PROXY PIP_CERT GIT_SSL_CAINFO GIT_CONFIG_COUNT PYTHONUNBUFFERED".split()


def test_other_pythons_paths_do_not_reach_ours(monkeypatch):
    for name in [*OTHERS, *USERS]:
        monkeypatch.setenv(name, name)
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    variables = steps.variables()
    assert not set(OTHERS) & set(variables.values())
    assert set(USERS) < set(variables.values())
    assert variables["PYTHONIOENCODING"] == "ascii:backslashreplace"


@pytest.mark.parametrize("given, used", [("", ""), ("3,2", "3"), ("0", ""), ("x", "")])
def test_a_number_of_threads_that_theano_and_numexpr_can_read(given, used):
    code = (
        "import os; from common import theano_flags; theano_flags.configure();"
        "import numexpr; print(os.environ.get('OMP_NUM_THREADS', ''))"
    )
    said = subprocess.check_output(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=str(ROOT),
        env=dict(os.environ, OMP_NUM_THREADS=given),
    )
    assert said.decode().strip() == used


def test_theano_starts_without_a_home():
    code = """if True:
        import pwd
        pwd.getpwuid = lambda number: {}[number]  # a number without a name
        from common import theano_flags
        theano_flags.configure()
        import theano
    """
    command = [sys.executable, "-W", "ignore", "-c", code]
    env = {name: value for name, value in os.environ.items() if name != "HOME"}
    subprocess.check_call(command, cwd=str(ROOT), env=env)


def test_a_user_without_a_name_has_a_home(monkeypatch):
    for name in ("HOME", "USER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    variables = steps.variables()
    assert variables["HOME"] == str(ROOT / ".cache") and variables["USER"] == "54321"


CONF = """\
[global]
index-url = https://global
trusted-host = a
    b
[install]
target = /elsewhere
index-url = https://of the user
require-hashes = yes
no-binary = :all:
"""


def test_where_packages_come_from_is_the_users_to_say(tmp_path, monkeypatch):
    (tmp_path / "pip.conf").write_text(CONF)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    for name in ("PIP_CONSTRAINT", "PIP_TARGET", "PIP_DRY_RUN", "PIP_NO_DEPS"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("PIP_CERT", "/cert")
    ran = []
    monkeypatch.setattr(steps, "run", lambda text, command, env: ran.append(env))
    pip.run("text", [sys.executable, "-m", "pip"], "list", CC="true")
    found = {name: value for name, value in ran[0].items() if "PIP_" in name}
    assert set(found) <= {f"PIP_{n}".upper().replace("-", "_") for n in pip.COUNTS} | (
        set(pip.OWN)
    )
    assert found["PIP_INDEX_URL"] == "https://of the user"
    assert found["PIP_TRUSTED_HOST"] == "a\nb" and found["PIP_CERT"] == "/cert"
    assert ran[0]["CC"] == "true"


@pytest.mark.parametrize(
    "said, words",
    [
        ("ERROR: [Errno 28] No space left on device", "Make room"),
        ("ERROR: invalid path: no TLS CA certificate bundle", "certificates"),
        ("connection reset\nERROR: No matching distribution", "If it was the network"),
        ("ERROR: No matching distribution found for numpy", "x86-64 Linux"),
        ("ERROR: ResolutionImpossible: see https://pip", "All of its output"),
    ],
)
def test_advice_is_that_of_the_cause(said, words):
    lines = [*said.split("\n"), "note: this is not the reason"]
    told = steps.explain("it failed", 1, lines)
    assert words in told and said.split("\n")[0] in told
    others = ["Make room", "certificates", "network", "x86-64 Linux"]
    assert sum(other in told for other in others) == (
        words in told and "All" not in words
    )


def test_programs_are_found_from_anywhere_and_only_ours(tmp_path):
    """Also where the user's folder has modules of the same names."""
    for name in ("datasets", "common", "pathlib"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong one')")
    (tmp_path / "files").mkdir()
    command = [sys.executable, str(ROOT / "install/start.py"), "datasets.__main__"]
    command += ["ptb", "--from", "files", "--data-dir", "there"]
    done = subprocess.run(command, cwd=str(tmp_path), stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and "ptb.train.txt" in done.stderr


def test_old_pythons_can_print_what_they_are_told():
    from lib2to3 import pygram, pytree
    from lib2to3.pgen2 import driver

    source = (ROOT / "reproduce").read_text()
    # The grammar of Python 2.
    driver.Driver(pygram.python_grammar, pytree.convert).parse_string(source)
    assert source.isascii() and not re.search(r"\bf[\"']|:=|nonlocal|async", source)
    head, _, _ = source.partition("from install")
    assert "sys.version_info < (3, 6)" in head and head.index("exit") < head.index(
        "_signal"
    )


def test_a_reader_that_goes_away_does_not_end_it(checkout):
    root, variables = checkout
    command = [sys.executable, str(root / "reproduce"), *SETUP]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(command, env=variables, stdout=writing, stderr=writing)
    os.close(writing)
    assert done.returncode == 0 and calls(checkout) == WHOLE


def test_help_needs_nothing(checkout):
    process = reproduce(checkout, "--help")
    assert process.wait() == 0 and not (checkout[0] / ".venv").exists()
    process = reproduce(checkout, "nonsense")
    assert "invalid choice: 'nonsense'" in process.communicate()[1]
    assert process.returncode == 2


def test_copies_of_one_library_become_links(tmp_path):
    names = ["liba.so", "liba.so.3", "liba.so.3.2", "libb.so", "libb.so.1", "liba.py"]
    for name in names:
        (tmp_path / name).write_text("other" if name == "libb.so.1" else "same")
    environment._link_copies(str(tmp_path))
    links = {p.name: os.readlink(str(p)) for p in tmp_path.iterdir() if p.is_symlink()}
    assert links == {"liba.so": "liba.so.3", "liba.so.3": "liba.so.3.2"}
    assert [(tmp_path / name).read_text() for name in names[:3]] == ["same"] * 3
