"""Messages between the parent and one worker, over a socket: each is bytes, and files may be attached.

A frame is its length, the number of attached descriptors, and the bytes. Nothing is unpickled.
"""

from __future__ import annotations

import os
import select
import socket
import struct
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

T = TypeVar("T")
_HEADER = struct.Struct("<QB")
_MOST_FILES = 4
_BEGIN, _CHUNK = 1 << 16, 1 << 20
"""Bytes to receive at first, of a message whose length nobody knows, and at a time."""


class Unasked(Exception):
    """Bytes came that are part of no message."""


class Oversized(Exception):
    """A message that is longer than any that is expected."""


def _at_once(events: int) -> None:
    """For a blocking socket: there is nothing to wait for."""


class Channel:
    """One end of the connection.

    Parameters
    ----------
    end : the socket, which this object owns
    ready : called before bytes are received, and where they can't be sent yet, with ``select.POLLIN`` or
        ``select.POLLOUT``; it waits until that is possible, or raises. By default the socket blocks.
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
        header = _HEADER.pack(len(data), len(files))
        sent = self._once(select.POLLOUT, socket.send_fds, self._socket, [header, data[:_CHUNK]], files)
        if sent < len(header):
            raise ConnectionError("the other end takes no messages")
        left = memoryview(data)[sent - len(header) :]
        while left:
            left = left[self._once(select.POLLOUT, self._socket.send, left[:_CHUNK]) :]

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
        Unasked
            More bytes than its header tells have come with it.
        """
        data, files = bytearray(), list[int]()
        try:
            while len(data) < _HEADER.size:
                self._ready(select.POLLIN)
                part, more, _, _ = self._once(
                    select.POLLIN, socket.recv_fds, self._socket, _BEGIN, _MOST_FILES
                )
                files += more
                data += _some(part)
            length, _ = _HEADER.unpack_from(data)
            if length > largest:
                raise Oversized(f"{length} bytes")
            del data[: _HEADER.size]
            while len(data) < length:
                self._ready(select.POLLIN)
                data += _some(self._once(select.POLLIN, self._socket.recv, min(_CHUNK, length - len(data))))
            if len(data) > length:
                raise Unasked(f"{len(data) - length} bytes beyond its end")
        except BaseException:
            _close(files)
            raise
        return bytes(data), files

    def unread(self) -> bool:
        """Whether the other end, which has not closed, has sent something that was not received yet."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return any(events & select.POLLIN and not events & select.POLLHUP for _, events in poll.poll(0))

    def _once(self, events: int, call: Callable[..., T], *arguments: Any) -> T:
        """What a system call gives, once the socket is ready for it."""
        while True:
            try:
                return call(*arguments)
            except BlockingIOError:
                self._ready(events)


def _some(part: bytes) -> bytes:
    if not part:
        raise EOFError
    return part


def _close(files: Sequence[int]) -> None:
    for file in files:
        os.close(file)
