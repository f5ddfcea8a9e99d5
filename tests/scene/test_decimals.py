"""Numbers of a text, many at once: of all that is read, each bit is that of `float`, and what is not simple is left to others."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taichi_softras.scene.decimals import AHEAD, MOST_DIGITS, decimals, whole_numbers


def read(words):
    text = AHEAD + " ".join([*words, ""]).encode()
    ends = np.cumsum([len(word) + 1 for word in words]) - 1 + len(AHEAD)
    begins = ends - [len(word) for word in words]
    return decimals(np.frombuffer(text, np.uint8), begins, ends, len(AHEAD) + len(words))


written = st.one_of(
    st.builds("{:{}}".format, st.floats(-1e8, 1e8), st.sampled_from([".9g", ".6f", ".3e", ".15g", ".0f"])),
    st.integers(-(2**53), 2**53).map(str),
    st.sampled_from(["0", "-0", "-0.0", ".5", "-.5", "7.", "1E5", "1e+05", "2.5e-7", "00012.50", "9007199254740992", "1e22", "0.0000000000000001"]),
)


@settings(deadline=None)
@given(words=st.lists(written, min_size=1, max_size=30))
def test_as_float_to_the_last_bit(words):
    found = read(words)
    expected = np.array([float(word) for word in words])
    if found is not None:
        np.testing.assert_array_equal(found.view(np.int64), expected.view(np.int64))
    elif len(words) == 1 and "e" not in words[0]:
        assert len(words[0].strip("-").replace(".", "")) > MOST_DIGITS or abs(expected[0]) > 1e8, "what is simple is read"


@pytest.mark.parametrize("word", ["1.5", "-0.25", "3e7", "6.02e-12", "123456789.012345", "9007199254740992"])
def test_what_is_simple_is_read(word):
    assert read(["1", word, "2.0"]).tolist() == [1, float(word), 2]


NOT_SIMPLE = ["nan", "inf", "x", "1x", "+1", "--1", "1-2", "1.2.3", ".", "-", "e5", "1e", "1e5e5", "1e5.5", "1e-"]
NOT_SIMPLE += ["1e23", "1e-300", "0.30000000000000004", "9999999999999999999"]


@pytest.mark.parametrize("word", NOT_SIMPLE)
@pytest.mark.parametrize("others", [["1.0", "2.0"], ["1", "2"], ["1", "2.5"]])
def test_all_else_is_left_to_others(word, others):
    assert read([others[0], word, others[1]]) is None
    assert read([*others, word]) is None
    assert read([word, *others]) is None


def test_whole_numbers_of_any_length():
    numbers = [10**k - 1 for k in range(1, MOST_DIGITS + 1)] + [123456789012345678, 0, 10**17]
    text = AHEAD + " ".join(map(str, numbers)).encode()
    ends = np.flatnonzero(np.frombuffer(text[len(AHEAD) :] + b" ", np.uint8) == ord(" ")) + len(AHEAD)
    assert whole_numbers(np.frombuffer(text, np.uint8), ends, np.array([len(str(number)) for number in numbers])).tolist() == numbers
