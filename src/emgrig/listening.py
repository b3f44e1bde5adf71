"""A TCP port of this computer on which others may call."""

import os
import socket


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; an empty host is all addresses, port 0 a free one.

    Raises
    ------
    OSError
        If the port cannot be had, or there is no such address.
    """
    family = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM)[0][0]
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # elsewhere it would let two programs have one port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener
