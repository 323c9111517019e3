"""A short text to learn letter by letter: Shakespeare's Sonnet 18.

Source: William Shakespeare, "Sonnet 18", in "Shake-speares Sonnets", London 1609; here in modern
spelling.
License: public domain.
"""

from __future__ import annotations

import numpy as np

SONNET_18 = """\
Shall I compare thee to a summer's day?
Thou art more lovely and more temperate:
Rough winds do shake the darling buds of May,
And summer's lease hath all too short a date:
Sometime too hot the eye of heaven shines,
And often is his gold complexion dimm'd;
And every fair from fair sometime declines,
By chance, or nature's changing course, untrimm'd;
But thy eternal summer shall not fade,
Nor lose possession of that fair thou ow'st;
Nor shall Death brag thou wander'st in his shade,
When in eternal lines to time thou grow'st:
So long as men can breathe, or eyes can see,
So long lives this, and this gives life to thee.
"""


def text_lanes(
    text: str = SONNET_18, *, lanes: int = 8, timesteps: int = 32
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Cuts a text into lanes: row i of a batch goes on where row i of the last batch ended.

    The lanes begin at equal distances. Each reads as much of the text as whole windows allow, and
    begins the text anew where it ends.

    Args:
        text: The text.
        lanes: The batch size.
        timesteps: The letters of a sample, at most as many as the text has.

    Returns:
        X of shape (samples, timesteps, characters), float32, 1 at the character that is read; y of
        shape (samples, timesteps), int, the place of the character that comes next; and the
        characters in order. The samples fill whole batches.

    Example:
        >>> X, y, characters = text_lanes("abcabd", lanes=2, timesteps=3)
        >>> X.shape, characters
        ((4, 3, 4), ['a', 'b', 'c', 'd'])
        >>> ["".join(characters[place] for place in row) for row in y]
        ['bca', 'bda', 'bda', 'bca']
    """
    characters = sorted(set(text))
    codes = np.array([characters.index(character) for character in text])
    windows = len(text) // timesteps
    starts = np.arange(lanes) * len(text) // lanes
    read = codes[(starts[:, np.newaxis] + np.arange(windows * timesteps + 1)) % len(text)]

    def samples(codes_of_lanes: np.ndarray) -> np.ndarray:
        cut = codes_of_lanes.reshape(lanes, windows, timesteps)
        return cut.swapaxes(0, 1).reshape(-1, timesteps)

    return one_hot(samples(read[:, :-1]), len(characters)), samples(read[:, 1:]), characters


def one_hot(codes: np.ndarray, classes: int) -> np.ndarray:
    """Gives each code a row that is 1 at its place and 0 elsewhere, float32.

    Example:
        >>> one_hot(np.array([2, 0]), 3)
        array([[0., 0., 1.],
               [1., 0., 0.]], dtype=float32)
    """
    rows: np.ndarray = np.eye(classes, dtype=np.float32)[codes]
    return rows
