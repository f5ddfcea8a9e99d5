"""The numbers of a text, many at once: eight digits are one word of the machine, and three multiplications make a number of them.

NumPy's own reader of texts takes them one after the other, which lasts two to three times as long.
"""

import numpy as np

__all__ = ["AHEAD", "MOST_DIGITS", "decimals", "whole_numbers"]

AHEAD = b" " * 24  # must stand before the first number, as words are read that end with it
MOST_DIGITS = 18
MINUS, PLUS, DOT, ZERO = b"-+.0"
IN_WORD = 8
KEPT = np.array([0x0F0F0F0F0F0F0F0F << 8 * (IN_WORD - n) & (1 << 64) - 1 for n in range(IN_WORD + 1)], np.uint64)  # of the last n digits their values
STEPS = tuple((np.uint64(by), np.uint64(shift), np.uint64(mask)) for by, shift, mask in (
    (10 * (1 << 8) + 1, 8, 0x00FF00FF00FF00FF),  # pairs of digits
    (100 * (1 << 16) + 1, 16, 0x0000FFFF0000FFFF),  # pairs of these
    (10000 * (1 << 32) + 1, 32, 0x00000000FFFFFFFF),
))  # fmt: skip
TENS = np.array([10**k for k in range(MOST_DIGITS + 1)], np.uint64)
EXACT_POWER, EXACT = 22, 1 << 53  # powers of ten, and whole numbers, that float64 holds
POWERS = 10.0 ** np.arange(EXACT_POWER + 1)


def whole_numbers(letters: np.ndarray, ends: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """[N] uint64: the numbers of so many digits, `MOST_DIGITS` at most, that end before ``ends`` [N].

    Args:
        letters: [L] uint8, contiguous, `AHEAD` first; where the numbers are there must be digits.
    """
    words = np.ndarray(len(letters) - IN_WORD + 1, "<u8", letters, strides=(1,))
    numbers = np.zeros(len(ends), np.uint64)
    for k in range(0, int(lengths.max(initial=0)), IN_WORD):
        word = words[ends - (k + IN_WORD)]
        word &= KEPT.take(lengths - k, mode="clip")
        for by, shift, mask in STEPS:
            word *= by
            word >>= shift
            word &= mask
        if k:
            word *= TENS[k]
        numbers += word
    return numbers


def decimals(letters: np.ndarray, begins: np.ndarray, ends: np.ndarray, n_others: int) -> np.ndarray | None:
    """[N] float64: the decimal numbers from ``begins`` to ``ends``, each to the last bit as `float` reads it.

    Of digits that are a whole number below 2^53, and a power of ten up to 22, both are exact in float64, and their quotient is rounded once (Clinger, "How to
    read floating point numbers accurately", PLDI 1990).

    Args:
        letters: [L] uint8, contiguous, `AHEAD` first, and a blank behind the last word.
        begins, ends: [N] ascending, of words with a letter at least.
        n_others: how many letters are in none of these words; they have no digit, "e" or point.

    Returns:
        None if one of the words is no such number, but has more digits, a plus, or is none at all.
    """
    signed = letters[begins] == MINUS
    n_counted = n_others + np.count_nonzero(letters - ZERO < 10) + np.count_nonzero(signed)
    begins, stops, powers = begins + signed, ends, None
    marks = np.flatnonzero(letters | 32 == ord("e"))
    if len(marks):
        which = np.searchsorted(ends, marks)
        of_power, sign = ends[which], letters[marks + 1]
        lengths = of_power - marks - 1 - ((sign == MINUS) | (sign == PLUS))
        if (which[1:] == which[:-1]).any() or lengths.min() < 1 or lengths.max() > 2:
            return None
        given = whole_numbers(letters, of_power, lengths).astype(np.int64)
        powers = np.zeros(len(ends), np.int64)
        powers[which] = np.where(sign == MINUS, -given, given)
        stops = ends.copy()
        stops[which] = marks
        n_counted += len(marks) + np.count_nonzero((sign == MINUS) | (sign == PLUS))
    dots = np.flatnonzero(letters == DOT)
    if n_counted + len(dots) != len(letters):
        return None
    if len(dots) < len(ends):
        which = np.searchsorted(ends, dots)
        if (which[1:] == which[:-1]).any():
            return None
        dots, positions = stops.copy(), dots
        dots[which] = positions
    if len(dots) > len(ends) or (dots < begins).any() or (dots > stops).any():
        return None
    before, behind = dots - begins, np.maximum(stops - dots - 1, 0)
    n_digits = before + behind
    if n_digits.min() < 1 or n_digits.max() > MOST_DIGITS:
        return None
    digits = whole_numbers(letters, stops, behind)
    digits += whole_numbers(letters, dots, before) * TENS[behind]
    if digits.max() > EXACT:
        return None
    numbers = digits.astype(np.float64)
    if powers is None:
        numbers /= POWERS[behind]
    else:
        powers -= behind
        if np.abs(powers).max() > EXACT_POWER:
            return None
        numbers *= POWERS[np.maximum(powers, 0)]
        numbers /= POWERS[np.maximum(-powers, 0)]
    return np.negative(numbers, out=numbers, where=signed)
