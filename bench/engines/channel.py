"""Messages between the parent and one worker, over a socket: each is bytes, and files may be attached.

A frame is its length, the number of attached descriptors, and the bytes. Nothing is unpickled.
"""

from __future__ import annotations

import os
import select
import socket
import struct
from collections.abc import Callable, Sequence

_HEADER = struct.Struct("<QB")
_MOST_FILES = 4
_CHUNK = 1 << 20


class Oversized(Exception):
    """A message that is longer than any that is expected."""


def _at_once(events: int) -> None:
    """For a blocking socket: there is nothing to wait for."""


class Channel:
    """One end of the connection.

    Parameters
    ----------
    end : the socket, which this object owns
    ready : called before each system call with ``select.POLLIN`` or ``select.POLLOUT``; it waits until that
        is possible, or raises. By default the socket blocks.
    """

    def __init__(self, end: socket.socket, ready: Callable[[int], None] = _at_once) -> None:
        self._socket = end
        self._ready = ready
        end.setblocking(ready is _at_once)

    def fileno(self) -> int:
        """The descriptor to wait on."""
        return self._socket.fileno()

    def close(self) -> None:
        """Close this end."""
        self._socket.close()

    def send(self, data: bytes, files: Sequence[int] = ()) -> None:
        """Send a message.

        Parameters
        ----------
        files : at most four descriptors, of which the other side gets its own; they stay the caller's

        Raises
        ------
        ConnectionError
            The other end takes no messages any more.
        """
        self._ready(select.POLLOUT)
        header = _HEADER.pack(len(data), len(files))
        sent = socket.send_fds(self._socket, [header, data[:_CHUNK]], files)
        if sent < len(header):
            raise ConnectionError("the other end takes no messages")
        left = memoryview(data)[sent - len(header) :]
        while left:
            self._ready(select.POLLOUT)
            try:
                left = left[self._socket.send(left[:_CHUNK]) :]
            except BlockingIOError:
                continue

    def receive(self, largest: int) -> tuple[bytes, list[int]]:
        """The next message, and its descriptors, which now belong to the caller.

        Parameters
        ----------
        largest : bytes that a message may have

        Raises
        ------
        EOFError
            The other end has closed, in the middle of a message or before.
        Oversized
            The message is longer.
        """
        header, files = b"", []
        while len(header) < _HEADER.size:
            self._ready(select.POLLIN)
            try:
                part, more, _, _ = socket.recv_fds(self._socket, _HEADER.size - len(header), _MOST_FILES)
            except BlockingIOError:
                continue
            files += more
            if not part:
                raise EOFError
            header += part
        length, _ = _HEADER.unpack(header)
        if length > largest:
            _close(files)
            raise Oversized(f"{length} bytes")
        data = bytearray()
        while len(data) < length:
            self._ready(select.POLLIN)
            try:
                block = self._socket.recv(min(_CHUNK, length - len(data)))
            except BlockingIOError:
                continue
            if not block:
                _close(files)
                raise EOFError
            data += block
        return bytes(data), files


def _close(files: Sequence[int]) -> None:
    for file in files:
        os.close(file)
