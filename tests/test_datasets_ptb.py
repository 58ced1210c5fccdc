"""The Penn Treebank's preparation, its file, and the sample corpus."""

import hashlib
import json
import time
import tracemalloc

import h5py
import numpy
import pytest
from fuel import config
from fuel.datasets import H5PYDataset
from hypothesis import given
from hypothesis import strategies as st

from common.errors import RunError
from common.published_files import PTB
from datasets import locate
from datasets.convert_ptb import convert_ptb
from datasets.corpus import Corpus, corpus_from_texts, prepare
from datasets.ptb import (
    FILENAME,
    open_ptb,
    open_sample,
    read_corpus,
    training_stream,
    windows_stream,
)

TEXTS = {
    "ptb.train.txt": b" no it was n't N \n but <unk> was \n",
    "ptb.valid.txt": b" it was \n",
    "ptb.test.txt": b" but no \n",
}
ANY = dict.fromkeys(TEXTS)
SAMPLE_CHECKSUMS = {
    "sample.train.txt": (
        "46c54d19b35796a5fcceedafca98ac9f7c658eb71c0f7e34985861c7023d5009"
    ),
    "sample.valid.txt": (
        "3fed2cd2526cec1d01d9b57f4519b0bc4449843f62cf79535b673cbfc65846df"
    ),
    "sample.test.txt": (
        "ded533fbd7c1126228771a666c133654047090053f033f0fa33c9dbba08d2cdb"
    ),
}


@pytest.fixture
def small(tmp_path):
    """A converted file of three short texts, and the folder it lies in."""
    for name, text in TEXTS.items():
        (tmp_path / name).write_bytes(text)
    convert_ptb(tmp_path, tmp_path / FILENAME, ANY)
    return tmp_path


@pytest.fixture(scope="session")
def real(shared_data, tmp_path_factory):
    """The folder with the converted real corpus."""
    folder = tmp_path_factory.mktemp("ptb")
    convert_ptb(shared_data, folder / FILENAME)
    return folder


def test_preparation_removes_one_leading_blank_and_nothing_else():
    assert prepare(b" a b \n c\n\n  d \ne", "text") == b"a b \nc\n\n d \ne"


@given(
    st.lists(
        st.text("ab N.", max_size=8).filter(lambda line: not line.startswith(" ")),
        min_size=1,
    )
)
def test_preparation_undoes_the_leading_blanks(lines):
    if not any(line.strip() for line in lines):
        lines.append("a")
    original = "".join(line + "\n" for line in lines)
    word_level = "".join(f" {line}\n" for line in lines)
    assert prepare(word_level.encode(), "text") == original.encode()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "^text has no text"),
        (b" \n \n", "^text has no text"),
        (b" a \n b \r\n", "^text, line 2: .*Unix"),
        (b" a \n b \n \xc3\xa9 \n", "^text, line 3: byte 0xc3 is not ASCII"),
    ],
)
def test_text_that_will_not_do(text, message):
    with pytest.raises(RunError, match=message):
        prepare(text, "text")


def test_vocabulary_is_in_the_order_of_the_characters():
    corpus = corpus_from_texts("small", TEXTS)
    assert corpus.vocabulary == sorted(set("no it was n't N \nbut <unk> was \n"))
    assert corpus.vocabulary[0] == "\n"
    assert corpus.train.dtype == "uint8"
    assert corpus.decode(corpus.train) == "no it was n't N \nbut <unk> was \n"
    assert corpus.decode(corpus.valid) == "it was \n"
    assert corpus.checksums["ptb.test.txt"] == (
        hashlib.sha256(TEXTS["ptb.test.txt"]).hexdigest()
    )


def test_symbol_that_training_lacks():
    texts = {**TEXTS, "ptb.valid.txt": b" it was \n it is $ \n"}
    with pytest.raises(RunError, match=r"ptb.valid.txt, line 2: the symbol '\$'"):
        corpus_from_texts("small", texts)


@given(st.text("abc \n", max_size=50))
def test_decode_undoes_encode(text):
    corpus = Corpus("abc", sorted("abc \n"), (None, None, None), {})
    symbols = corpus.encode(text)
    assert symbols.dtype == "uint8" and symbols.shape == (len(text),)
    assert corpus.decode(symbols) == text


@pytest.mark.parametrize("text", ["ab\nX", "é", "ÿ", "a€", "𝄞"])
def test_encode_refuses_what_it_does_not_know(text):
    corpus = Corpus("abc", ["\n", "a", "b", "c"], (None, None, None), {})
    with pytest.raises(RunError, match="does not occur in the training set"):
        corpus.encode(text)


def test_file_is_a_fuel_dataset_with_its_story(small):
    corpus = corpus_from_texts("ptb", TEXTS)
    with h5py.File(str(small / FILENAME), "r") as file:
        assert file["symbols"].dtype == "uint8"
        assert file["symbols"].dims[0].label == "time"
        assert list(file.attrs["vocabulary"]) == corpus.vocabulary
        assert json.loads(file.attrs["checksums"]) == corpus.checksums
        assert "leading blank" in file.attrs["preparation"]
    for split in ("train", "valid", "test"):
        dataset = H5PYDataset(str(small / FILENAME), (split,), load_in_memory=True)
        assert dataset.provides_sources == ("symbols",)
        assert (dataset.data_sources[0] == getattr(corpus, split)).all()


def test_reading_gives_what_was_written(small):
    corpus, written = read_corpus(small / FILENAME), corpus_from_texts("ptb", TEXTS)
    assert corpus.vocabulary == written.vocabulary
    assert all(type(character) is str for character in corpus.vocabulary)
    assert corpus.checksums == written.checksums
    for split in ("train", "valid", "test"):
        assert (getattr(corpus, split) == getattr(written, split)).all()


def test_other_text_is_not_taken_for_the_treebank(small):
    with pytest.raises(RunError, match="not made from the published files"):
        open_ptb(small)
    with pytest.raises(RunError, match="ptb.train.txt is not the published file"):
        convert_ptb(small, small / "other.hdf5")
    assert not (small / "other.hdf5").exists()


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "text", "attribute"])
def test_damaged_file(small, damage):
    path = small / FILENAME
    content = bytearray(path.read_bytes())
    if damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "flip":
        with h5py.File(str(path), "r+") as file:
            file["symbols"][3] += 1
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "text":
        path.write_text("no HDF5")
    else:
        with h5py.File(str(path), "r+") as file:
            del file.attrs["vocabulary"]
    with pytest.raises(RunError, match=f"{FILENAME} is damaged .*reproduce data ptb"):
        open_ptb(small)


def test_missing_text_file(tmp_path):
    (tmp_path / "ptb.train.txt").write_bytes(TEXTS["ptb.train.txt"])
    with pytest.raises(RunError, match="none of ptb.valid.txt, .* is in"):
        convert_ptb(tmp_path, tmp_path / FILENAME, ANY)
    assert [path.name for path in tmp_path.iterdir()] == ["ptb.train.txt"]


def test_older_file_outlives_a_failed_conversion(small, monkeypatch):
    before = (small / FILENAME).read_bytes()

    def fail(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("datasets.convert_ptb.digest", fail)
    with pytest.raises(KeyboardInterrupt):
        convert_ptb(small, small / FILENAME, ANY)
    assert (small / FILENAME).read_bytes() == before
    assert len(list(small.iterdir())) == 4


def test_output_that_cannot_be_written(small):
    with pytest.raises(RunError, match="cannot make .*--data-dir"):
        convert_ptb(small, small / "ptb.train.txt" / FILENAME, ANY)


def test_missing_file_names_the_command(tmp_path):
    message = f"^{FILENAME} is not in .*: run `./reproduce data ptb --data-dir "
    with pytest.raises(RunError, match=message):
        open_ptb(tmp_path)


def test_folders_are_fuels(monkeypatch, tmp_path):
    monkeypatch.setattr(config, "config", {"data_path": config.config["data_path"]})
    monkeypatch.setenv("FUEL_DATA_PATH", f"{tmp_path / 'one'}:~/two")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert locate.data_folders() == [tmp_path / "one", tmp_path / "two"]
    assert locate.data_folders("~/three") == [tmp_path / "three"]
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / FILENAME).write_text("")
    assert locate.find(FILENAME, "command") == tmp_path / "two" / FILENAME
    monkeypatch.delenv("FUEL_DATA_PATH")
    monkeypatch.setitem(config.config["data_path"], "yaml", str(tmp_path / "four"))
    assert locate.data_folders() == [tmp_path / "four"]
    monkeypatch.delitem(config.config["data_path"], "yaml")
    assert locate.data_folders() == [locate.DEFAULT]


def test_counts_of_the_real_corpus(real):
    corpus = open_ptb(real)
    sizes = [len(corpus.train), len(corpus.valid), len(corpus.test)]
    assert sizes == [5_059_550, 396_412, 446_184]
    assert len(corpus.vocabulary) == 50
    assert numpy.unique(corpus.train).tolist() == list(range(50))
    assert corpus.checksums == PTB.checksums
    start = "aer banknote berlitz calloway centrust cluett"
    assert corpus.decode(corpus.train[: len(start)]) == start


def test_batches_of_the_real_corpus(real):
    corpus = open_ptb(real)
    stream = training_stream(corpus)
    assert stream.batches_per_epoch == 791
    shapes = [batch["symbols"].shape for batch in stream.get_epoch_iterator(True)]
    assert shapes == [(100, 64)] * 790 + [(100, 34)]
    valid = windows_stream(corpus.valid)
    shapes = [batch["symbols"].shape for batch in valid.get_epoch_iterator(True)]
    assert sum(number for _, number in shapes) == 3964
    assert shapes[-1] == (100, 3964 % 64)


def test_memory_is_one_byte_per_symbol(real):
    """Opening holds 5.9 MB, at no time twice that; streaming adds next to nothing."""
    tracemalloc.start()
    corpus = open_ptb(real)
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 5.9e6 < held < 6.5e6
    assert peak < 12e6
    tracemalloc.start()
    for _ in training_stream(corpus).get_epoch_iterator(as_dict=True):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2e6


def test_sample_corpus_is_the_same_everywhere():
    corpus = open_sample()
    assert corpus.name == "sample"
    assert corpus.checksums == SAMPLE_CHECKSUMS
    assert 20 < len(corpus.vocabulary) <= 50
    assert set(corpus.vocabulary) >= set("abcdefghijklmnopqrstuvwxyz \n")


def test_sample_corpus_is_quickly_made_and_has_no_sentence_twice_too_often():
    start = time.process_time()
    corpus = open_sample()
    assert time.process_time() - start < 2
    lines = corpus.decode(corpus.train).splitlines()
    assert len(corpus.train) > 250_000
    assert len(set(lines)) > 0.7 * len(lines)
    assert lines[:40] != corpus.decode(corpus.valid).splitlines()[:40]


def test_sample_corpus_can_be_learned_in_part():
    """A character says much about the next one, but does not settle it."""
    corpus = open_sample()
    size = len(corpus.vocabulary)
    pairs = numpy.zeros((size, size))
    numpy.add.at(pairs, (corpus.train[:-1], corpus.train[1:]), 1)
    single = pairs.sum(0) / pairs.sum()
    entropy = -(single * numpy.log2(single)).sum()
    joint = (pairs / pairs.sum())[pairs > 0]
    first = pairs.sum(1)[pairs.sum(1) > 0] / pairs.sum()
    conditional = (first * numpy.log2(first)).sum() - (joint * numpy.log2(joint)).sum()
    assert 3.5 < entropy < 4.5
    assert 1.5 < conditional < entropy - 1
