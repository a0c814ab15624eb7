"""AES-256-GCM in the STREAM construction: files of any size, read in order or at random, in bounded memory.

The plaintext is cut into chunks of 1 MiB; each is encrypted under the nonce `prefix (7 bytes) ‖ counter (4 bytes, from
0) ‖ last (1 byte, 1 for the last chunk, else 0)`. A chunk so opens only at its own place, and the last one only as the
last: altering, cutting, extending, reordering and mixing all fail. This is STREAM of Hoang, Reyhanitabar, Rogaway and
Vizár, "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance" (CRYPTO 2015), section 7, with the nonce
that age and Tink use. The last chunk is never empty, unless it is the only one.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from medrec_py.errors import InvalidInput, InvalidKey, ParcelTampered

CHUNK_BYTES: Final = 1 << 20
TAG_BYTES: Final = 16
KEY_BYTES: Final = 32
PREFIX_BYTES: Final = 7
MAX_CHUNKS: Final = 1 << 32
"""The counter's range: 4 PiB at 1 MiB a chunk."""


class StreamCipher:
    """Encrypts and decrypts one stream. The pair of key and prefix must never serve for a second plaintext.

    Args:
        key: 32 bytes.
        prefix: 7 bytes, the first of every chunk's nonce.
        chunk_bytes: Bytes of plaintext to a chunk.

    Raises:
        InvalidKey: Key or prefix of another length.
    """

    __slots__ = ("_aead", "_prefix", "chunk_bytes")

    def __init__(self, key: bytes, prefix: bytes, *, chunk_bytes: int = CHUNK_BYTES) -> None:
        if len(key) != KEY_BYTES or len(prefix) != PREFIX_BYTES or chunk_bytes < 1:
            raise InvalidKey(f"A stream needs a key of {KEY_BYTES} bytes and a prefix of {PREFIX_BYTES} bytes.")
        self._aead = AESGCM(key)
        self._prefix = prefix
        self.chunk_bytes = chunk_bytes

    # ── sizes ──

    def chunk_count(self, plaintext_bytes: int) -> int:
        """Chunks that a plaintext makes, at least 1.

        Raises:
            InvalidInput: More than the counter can tell apart.
        """
        count = max(1, -(-plaintext_bytes // self.chunk_bytes))
        if count > MAX_CHUNKS:
            raise InvalidInput(f"A stream holds at most {MAX_CHUNKS * self.chunk_bytes} bytes, not {plaintext_bytes}.")
        return count

    def ciphertext_bytes(self, plaintext_bytes: int) -> int:
        """Bytes of ciphertext that a plaintext makes."""
        return plaintext_bytes + TAG_BYTES * self.chunk_count(plaintext_bytes)

    def plaintext_bytes(self, ciphertext_bytes: int) -> int:
        """Bytes of plaintext in a ciphertext.

        Raises:
            ParcelTampered: No stream has this length.
        """
        whole, rest = divmod(ciphertext_bytes, self.chunk_bytes + TAG_BYTES)
        if (rest and rest <= TAG_BYTES and (whole or rest < TAG_BYTES)) or not ciphertext_bytes:
            raise ParcelTampered(f"No sealed stream has {ciphertext_bytes} bytes: it was cut.", length=ciphertext_bytes)
        plaintext = whole * self.chunk_bytes + max(0, rest - TAG_BYTES)
        if whole + (rest > 0) > MAX_CHUNKS:
            raise ParcelTampered(f"No sealed stream has {ciphertext_bytes} bytes: it is too long.")
        return plaintext

    # ── whole streams ──

    def encrypt(self, plaintext: bytes | bytearray | memoryview) -> bytes:
        """The ciphertext of a plaintext that is held in memory."""
        plain = memoryview(plaintext)
        count = self.chunk_count(len(plain))
        if count == 1:
            return self._aead.encrypt(self._nonce(0, last=True), plain, None)

        def fill(out: memoryview) -> None:
            for index in range(count):
                start = index * self.chunk_bytes
                part = plain[start : start + self.chunk_bytes]
                target = start + index * TAG_BYTES
                self.seal_chunk(index, part, out[target : target + len(part) + TAG_BYTES], last=index == count - 1)

        return _filled(self.ciphertext_bytes(len(plain)), fill)

    def decrypt(self, ciphertext: bytes | bytearray | memoryview) -> bytes:
        """The plaintext of a ciphertext that is held in memory.

        Raises:
            ParcelTampered: Any chunk isn't authentic; nothing is returned then.
        """
        return StreamReader(self, ciphertext).read()

    def encrypt_file(self, source: BinaryIO, destination: BinaryIO) -> int:
        """Encrypts `source` to its end into `destination`, holding two chunks at a time.

        Returns:
            Bytes of plaintext.

        Raises:
            InvalidInput: More than the counter can tell apart.
        """
        encryptor = StreamEncryptor(self, destination)
        buffer = bytearray(self.chunk_bytes)
        with memoryview(buffer) as view:
            while got := read_into(source, view):
                encryptor.write(view[:got])
        encryptor.close()
        return encryptor.plaintext_bytes

    def decrypt_file(self, source: BinaryIO, destination: BinaryIO) -> int:
        """Decrypts a seekable `source`, from where it stands to its end, chunk by chunk into `destination`.

        The source's length is proved first and each chunk before it is written. A chunk that fails leaves the ones
        before it in `destination`: write to a file that counts only when this returns.

        Returns:
            Bytes of plaintext.

        Raises:
            ParcelTampered: A chunk isn't authentic.
        """
        return StreamReader(self, source, source.tell()).copy_to(destination)

    # ── single chunks ──

    def seal_chunk(self, index: int, plaintext: memoryview, out: memoryview, *, last: bool) -> None:
        """Encrypts one chunk into `out`, which is `TAG_BYTES` longer."""
        self._aead.encrypt_into(self._nonce(index, last=last), plaintext, None, out)

    def open_chunk(self, index: int, ciphertext: memoryview, *, last: bool) -> bytes:
        """Decrypts one chunk.

        Raises:
            ParcelTampered: It isn't authentic at this place.
        """
        try:
            return self._aead.decrypt(self._nonce(index, last=last), ciphertext, None)
        except InvalidTag:
            raise _not_authentic(index, last) from None

    def open_chunk_into(self, index: int, ciphertext: memoryview, out: memoryview, *, last: bool) -> None:
        """Decrypts one chunk into `out`, which is `TAG_BYTES` shorter.

        Raises:
            ParcelTampered: It isn't authentic at this place; `out` then holds nothing of it.
        """
        try:
            self._aead.decrypt_into(self._nonce(index, last=last), ciphertext, None, out)
        except InvalidTag:
            out[:] = bytes(len(out))
            raise _not_authentic(index, last) from None

    def _nonce(self, index: int, *, last: bool) -> bytes:
        if not 0 <= index < MAX_CHUNKS:
            raise InvalidInput(f"A stream has at most {MAX_CHUNKS} chunks; there is no chunk {index}.")
        return self._prefix + index.to_bytes(4, "big") + (b"\1" if last else b"\0")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("A StreamCipher holds a key and is never pickled.")


class StreamEncryptor:
    """Takes a plaintext piece by piece and writes its ciphertext, holding one chunk back until it knows the last."""

    __slots__ = ("_cipher", "_destination", "_held", "_index", "_out", "_plain", "ciphertext_bytes", "plaintext_bytes")

    def __init__(self, cipher: StreamCipher, destination: BinaryIO) -> None:
        self._cipher = cipher
        self._destination = destination
        self._plain = bytearray(cipher.chunk_bytes)
        self._out = bytearray(cipher.chunk_bytes + TAG_BYTES)
        self._held = 0
        self._index = 0
        self.plaintext_bytes = 0
        self.ciphertext_bytes = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Adds to the plaintext."""
        rest = memoryview(data)
        self.plaintext_bytes += len(rest)
        size = self._cipher.chunk_bytes
        while rest:
            if self._held == size:
                self._flush(memoryview(self._plain), last=False)
            if not self._held:
                # Whole chunks that something follows need no copy.
                while len(rest) > size:
                    self._flush(rest[:size], last=False)
                    rest = rest[size:]
            taken = min(len(rest), size - self._held)
            self._plain[self._held : self._held + taken] = rest[:taken]
            self._held += taken
            rest = rest[taken:]

    def close(self) -> None:
        """Writes the last chunk; nothing can be added afterwards."""
        self._flush(memoryview(self._plain)[: self._held], last=True)

    def _flush(self, plain: memoryview, *, last: bool) -> None:
        out = memoryview(self._out)[: len(plain) + TAG_BYTES]
        self._cipher.seal_chunk(self._index, plain, out, last=last)
        self._destination.write(out)
        self.ciphertext_bytes += len(out)
        self._index += 1
        self._held = 0


class StreamReader:
    """Reads a stream at random, touching only the chunks that hold what is asked for.

    The last chunk is opened at once, so that `size` is authentic: a stream that was cut or extended fails here.

    Args:
        cipher: With the stream's key and prefix.
        source: The ciphertext in memory, or a seekable file that ends with it.
        offset: Where in `source` it begins.

    Raises:
        ParcelTampered: The length is no stream's, or the last chunk isn't authentic as the last.
    """

    __slots__ = ("_cached", "_cached_index", "_cipher", "_count", "_fetch", "_last", "size")

    def __init__(
        self, cipher: StreamCipher, source: bytes | bytearray | memoryview | BinaryIO, offset: int = 0
    ) -> None:
        self._cipher = cipher
        if isinstance(source, bytes | bytearray | memoryview):
            view = memoryview(source)[offset:]
            length = len(view)
            self._fetch: Callable[[int, int], memoryview] = lambda start, end: view[start:end]
        else:
            file = source
            length = file.seek(0, io.SEEK_END) - offset
            self._fetch = lambda start, end: _read_at(file, offset + start, end - start)
        self.size = cipher.plaintext_bytes(max(0, length))
        self._count = cipher.chunk_count(self.size)
        self._last = self._open(self._count - 1)
        self._cached_index = self._count - 1
        self._cached = self._last

    def read(self, start: int = 0, length: int | None = None) -> bytes:
        """The plaintext from `start` on, `length` bytes or up to the end, cut at the end.

        Raises:
            InvalidInput: A negative number.
            ParcelTampered: A chunk that holds some of it isn't authentic; nothing is returned then.
        """
        start, end = self._range(start, length)
        size = self._cipher.chunk_bytes
        first, skip = divmod(start, size)
        if end - start <= size - skip and self._is_open(first):
            return self._chunk(first)[skip : skip + end - start]

        def fill(out: memoryview) -> None:
            position = start
            while position < end:
                index, skip = divmod(position, size)
                taken = min(size - skip, end - position)
                target = out[position - start : position - start + taken]
                if taken == self._chunk_bytes(index) and not self._is_open(index):
                    self._open_into(index, target)
                else:
                    target[:] = memoryview(self._chunk(index))[skip : skip + taken]
                position += taken

        return _filled(end - start, fill)

    def copy_to(self, destination: BinaryIO, start: int = 0, length: int | None = None) -> int:
        """Writes the plaintext from `start` on, as `read` would return it, chunk by chunk, each once it is authentic.

        Returns:
            Bytes written.

        Raises:
            ParcelTampered: A chunk isn't authentic; those before it were written.
        """
        written = 0
        for piece in self.pieces(start, length):
            destination.write(piece)
            written += len(piece)
        return written

    def pieces(self, start: int = 0, length: int | None = None) -> Iterator[memoryview]:
        """The same piece by piece, cut where the chunks are; a piece is good until the next one is asked for."""
        start, end = self._range(start, length)
        size = self._cipher.chunk_bytes
        buffer = memoryview(bytearray(min(size, self.size)))
        while start < end:
            index, skip = divmod(start, size)
            if self._is_open(index):
                chunk = memoryview(self._chunk(index))
            else:
                chunk = buffer[: self._chunk_bytes(index)]
                self._open_into(index, chunk)
            piece = chunk[skip : skip + end - start]
            yield piece
            start += len(piece)

    def _range(self, start: int, length: int | None) -> tuple[int, int]:
        if start < 0 or (length is not None and length < 0):
            raise InvalidInput(f"A range can't start at {start} and have the length {length}.")
        end = self.size if length is None else min(self.size, start + length)
        return min(start, end), end

    def _is_open(self, index: int) -> bool:
        return index in (self._cached_index, self._count - 1)

    def _chunk(self, index: int) -> bytes:
        if index == self._count - 1:
            return self._last
        if index != self._cached_index:
            self._cached = self._open(index)
            self._cached_index = index
        return self._cached

    def _chunk_bytes(self, index: int) -> int:
        return min(self._cipher.chunk_bytes, self.size - index * self._cipher.chunk_bytes)

    def _open(self, index: int) -> bytes:
        return self._cipher.open_chunk(index, self._sealed(index), last=index == self._count - 1)

    def _open_into(self, index: int, out: memoryview) -> None:
        self._cipher.open_chunk_into(index, self._sealed(index), out, last=index == self._count - 1)

    def _sealed(self, index: int) -> memoryview:
        start = index * (self._cipher.chunk_bytes + TAG_BYTES)
        length = self._chunk_bytes(index) + TAG_BYTES
        sealed = self._fetch(start, start + length)
        if len(sealed) != length:
            raise ParcelTampered(f"Chunk {index} of a sealed object is gone: its file was cut.", chunk=index)
        return sealed


def _not_authentic(index: int, last: bool) -> ParcelTampered:
    place = "as its last" if last else "at this place"
    return ParcelTampered(f"Chunk {index} of a sealed object isn't authentic {place}.", chunk=index)


def read_into(source: BinaryIO, view: memoryview) -> int:
    """Fills `view` from `source`, as far as it goes; returns how far."""
    readinto = getattr(source, "readinto", None)
    done = 0
    while done < len(view):
        if readinto is not None:
            got = readinto(view[done:]) or 0
        else:
            data = source.read(len(view) - done)
            got = len(data)
            view[done : done + got] = data
        if not got:
            break
        done += got
    return done


def _read_at(file: BinaryIO, start: int, length: int) -> memoryview:
    file.seek(start)
    buffer = bytearray(length)
    return memoryview(buffer)[: read_into(file, memoryview(buffer))]


def _filled(length: int, fill: Callable[[memoryview], None]) -> bytes:
    """Bytes of this length that `fill` writes in place: a `BytesIO` gives its buffer away without a copy."""
    stream = io.BytesIO(bytes(length))
    with stream.getbuffer() as view:
        fill(view)
    return stream.getvalue()
