"""Smallest shapes, strange texts and strange images: a result or one sentence."""

import gzip
import json

import numpy
import pytest
import theano
from hypothesis import example, given, settings
from hypothesis import strategies as st
from theano import tensor

from common.errors import RunError
from datasets.convert_mnist import convert_binarized_mnist
from datasets.corpus import Corpus, corpus_from_texts, prepare
from datasets.mnist import Images
from tests import small
from tests.as_published import character_model
from tests.modes import fast_compile

GOOD = b" a cat \n a mat \n"


def check_run(path, model):
    facts = json.loads((path / "run.json").read_text())
    assert facts["status"] == "finished" and facts["configuration"]["model"] == model
    for row in small.rows(path):
        for value in row.values():
            assert numpy.isfinite(value).all()


@pytest.mark.parametrize("model", ["norm_prop", "batch_norm"])
def test_the_smallest_character_model(tmp_path, monkeypatch, model):
    """Batch 1, length 2, one unit, one symbol: nothing is left to predict."""
    zeros = numpy.zeros(9, "uint8")
    corpus = Corpus("one symbol", ["a"], (zeros, zeros, zeros), {})
    monkeypatch.setattr(small, "corpus", lambda: corpus)
    size = f"--model {model} --units 1 --length 2 --batch-size 1 --epochs 1"
    common = f"--sample --device cpu --floatX float64 --results-dir {tmp_path}"
    assert small.main("ptb", f"{size} {common}".split()) == 0
    path = tmp_path / f"ptb-{model}-1"
    check_run(path, model)
    assert small.rows(path)[0]["valid_bpc"] == 0


def test_the_smallest_draw(tmp_path, monkeypatch):
    """Batch 1, one glimpse, one unit, one latent variable, one image."""
    ones = numpy.ones((1, small.SIDE**2), "uint8")
    images = Images("one image", dict.fromkeys(("train", "valid", "test"), ones))
    monkeypatch.setattr(small, "images", lambda: images)
    size = "--model norm_prop --units 1 --latent-dim 1 --glimpses 1 --batch-size 1"
    common = f"--sample --device cpu --floatX float64 --results-dir {tmp_path}"
    assert small.main("draw", f"{size} --epochs 1 {common}".split()) == 0
    check_run(tmp_path / "draw-norm_prop-1", "norm_prop")


@pytest.fixture(scope="module")
def bits():
    """The bits of each prediction of a norm_prop model, compiled once."""
    with fast_compile():
        brick = character_model("norm_prop", vocabulary=3, units=2)
        brick.initialize()
        symbols = tensor.imatrix("symbols")
        yield theano.function([symbols], brick.inference_bits(symbols))


@settings(max_examples=25, deadline=None)
@given(time=st.integers(2, 9), batch=st.integers(1, 9), seed=st.integers(0, 99))
@example(time=2, batch=1, seed=0)
def test_examples_do_not_see_each_other(bits, time, batch, seed):
    """Any shape; a window's bits are those of the window alone, to its length."""
    random = numpy.random.RandomState(seed)
    windows = random.randint(3, size=(time, batch)).astype("int32")
    found = bits(windows)
    assert found.shape == (time - 1, batch)
    alone = bits(windows[:2, :1])
    numpy.testing.assert_allclose(found[:1, :1], alone, rtol=1e-9)


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=40),
        st.text("ab \n\r\t\x00é", max_size=40).map(str.encode),
        st.lists(st.sampled_from([b" a \n", b"\n", b" b\r\n", b"a", b" "])).map(
            b"".join
        ),
    )
)
@example(b"")
@example(b"a")
@example(b" a")
@example(b" a \r\n")
@example(b" \xe9 \n")
@example(b"\xef\xbb\xbf a \n")
def test_any_bytes_are_a_corpus_or_refused_by_name(text):
    try:
        corpus = corpus_from_texts("any", {"a": text, "b": text, "c": text})
    except RunError as error:
        assert str(error).startswith("a") and "\n" not in str(error)
        assert not text or not text.strip() or text != prepared(text)
        return
    assert all(byte < 128 for byte in text) and b"\r" not in text and text.strip()
    lines = [
        line[1:] if line[:1] == " " else line for line in text.decode().split("\n")
    ]
    assert corpus.decode(corpus.train) == "\n".join(lines)
    assert corpus.vocabulary == sorted(set("\n".join(lines)))


def prepared(text):
    """What `prepare` makes of it, or nothing."""
    try:
        return prepare(text, "a")
    except RunError:
        return None


@settings(max_examples=50, deadline=None)
@given(st.characters(min_codepoint=33, max_codepoint=126), st.sampled_from("bc"))
def test_a_symbol_that_training_lacks_is_named(symbol, file):
    texts = {"a": GOOD, "b": GOOD, "c": GOOD}
    texts[file] += f" {symbol} \n".encode()
    if symbol.encode() in GOOD:
        corpus_from_texts("any", texts)
        return
    with pytest.raises(RunError) as caught:
        corpus_from_texts("any", texts)
    assert f"{file}, line 3: the symbol {symbol!r}" in str(caught.value)


LINES = 3
AMAT = (b"0 1 " * 391 + b"0 1\n") * LINES


@settings(max_examples=60, deadline=None)
@given(
    at=st.integers(0, len(AMAT) - 1),
    removed=st.integers(0, 3),
    added=st.binary(max_size=3),
    compressed=st.booleans(),
)
def test_any_change_of_an_image_file_is_noticed(
    tmp_path_factory, at, removed, added, compressed
):
    """Another width, values other than 0 and 1: the file and the line are named."""
    changed = AMAT[:at] + added + AMAT[at + removed :]
    folder = tmp_path_factory.mktemp("amat")
    for name in ("a", "b", "c"):
        text = changed if name == "b" else AMAT
        if compressed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(text, 1))
        else:
            (folder / name).write_bytes(text)
    path, numbers = folder / "out.hdf5", dict.fromkeys(("train", "valid", "test"), 3)
    digits = changed.replace(b" ", b"").replace(b"\n", b"")
    well_formed = len(changed) == len(AMAT) and changed == b"".join(
        b" ".join(bytes([d]) for d in digits[784 * i : 784 * (i + 1)]) + b"\n"
        for i in range(LINES)
    )
    arguments = (folder, path, dict.fromkeys(("a", "b", "c")), numbers)
    if well_formed and not digits.strip(b"01"):
        convert_binarized_mnist(*arguments)
        return
    with pytest.raises(RunError) as caught:
        convert_binarized_mnist(*arguments)
    assert str(folder / "b") in str(caught.value) and "line" in str(caught.value)
    assert "\n" not in str(caught.value) and not path.exists()
