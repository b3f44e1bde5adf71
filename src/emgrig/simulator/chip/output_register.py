"""What leaves the ADS1299 on DOUT: one result, then what comes in on DAISY_IN."""


class OutputRegister:
    """The output shift register: one frame, then what follows it, bit by bit."""

    def __init__(self, frame_bytes: int) -> None:
        self._blank = bytes(frame_bytes)
        self._daisy = bytearray()
        self.n_bits = 8 * frame_bytes  #: Of one frame.
        self.load(None)

    def load(self, frame: bytes | None) -> None:
        """Take a new frame (None: zeros) and begin with its MSB."""
        self.frame = self._blank if frame is None else frame  #: What was loaded.
        self.is_result = frame is not None  #: True if it is a conversion's.
        self.rewind()

    def rewind(self) -> None:
        """Begin again with the MSB."""
        self.position = 0  #: Bits that were shifted out since.
        self._daisy.clear()

    def take(self, n_bits: int, *, repeat: bool) -> int:
        """Shift out 1 to 8 bits; after the frame it comes again, or DAISY_IN."""
        index, offset = divmod(self.position, 8)
        pair = self._byte(index, repeat=repeat) << 8 | self._byte(index + 1, repeat=repeat)
        self.position += n_bits
        return pair >> 16 - offset - n_bits & (1 << n_bits) - 1

    def push(self, daisy_byte: int) -> None:
        """Take one byte from DAISY_IN, to come out after the frame, if there is one."""
        if self.is_result:
            self._daisy.append(daisy_byte)

    def _byte(self, index: int, *, repeat: bool) -> int:
        length = len(self.frame)
        if index < length or repeat:
            return self.frame[index % length]
        index -= length
        return self._daisy[index] if index < len(self._daisy) else 0
