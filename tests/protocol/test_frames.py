"""The chip's frames: codes and status words (vectors: SBAS499C data format, worked out by hand)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.protocol.frames import FrameLayout, pack_codes

WHOLE_FRAME = bytes.fromhex(
    "C01000 0147AE FEB852 000000 7FFFFF 800000 000001 FFFFFF 000000".replace(" ", "")
)


def test_a_whole_frame_decodes_to_its_codes_and_status() -> None:
    frames = np.frombuffer(WHOLE_FRAME, np.uint8).reshape(1, 27)
    layout = FrameLayout()
    expected = [83886, -83886, 0, 8388607, -8388608, 1, -1, 0]
    assert layout.codes(frames)[0].tolist() == expected
    assert layout.status(frames)[0, 0] == 0xC01000


@pytest.mark.slow
@given(
    st.integers(1, 2),
    st.sampled_from([4, 6, 8]),
    st.integers(0, 3),
    st.integers(1, 4),
    st.randoms(use_true_random=False),
)
def test_codes_equal_pythons_own_reading_of_24_bits(n_chips, channels, n_packets, n_frames, rng):
    layout = FrameLayout(n_chips, channels)
    raw = bytes(rng.randrange(256) for _ in range(n_packets * n_frames * layout.frame_bytes))
    frames = np.frombuffer(raw, np.uint8).reshape(n_packets, n_frames, layout.frame_bytes)
    codes, status = layout.codes(frames), layout.status(frames)
    assert codes.shape == (n_packets * n_frames, n_chips * channels)
    for index, row in enumerate(codes.tolist()):
        frame = raw[index * layout.frame_bytes :][: layout.frame_bytes]
        expected, words = [], []
        for chip in range(n_chips):
            part = frame[chip * layout.chip_bytes :][: layout.chip_bytes]
            words.append(int.from_bytes(part[:3], "big"))
            expected += [
                int.from_bytes(part[3 + 3 * c : 6 + 3 * c], "big", signed=True)
                for c in range(channels)
            ]
        assert row == expected
        assert status[index].tolist() == words
    if len(codes):
        packed = pack_codes(codes, status)
        assert packed.tobytes() == raw


def test_frames_of_the_wrong_length_are_refused() -> None:
    with pytest.raises(ValueError, match="27"):
        FrameLayout().codes(np.zeros((2, 26), np.uint8))
    with pytest.raises(ValueError, match="uint8"):
        FrameLayout().codes(np.zeros((2, 27), np.int8))  # type: ignore[arg-type]


@pytest.mark.parametrize(("chips", "channels"), [(0, 8), (5, 8), (1, 7)])
def test_a_layout_no_board_has_is_refused(chips: int, channels: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        FrameLayout(chips, channels)
