"""Blocks every connection and look-up that leaves this machine (promise ``no_network``).

Imported by conftest, and by every Python process the tests start, since this folder is put on PYTHONPATH.
An audit hook cannot be taken off again and sees what C extensions do through the socket module.
"""

import sys

LOOPBACK = ("localhost", "::1", "", "0.0.0.0", "::")


class NetworkBlocked(RuntimeError):
    """Something tried to reach the network; not an OSError, so that no retry loop hides it."""


def is_local(host: object) -> bool:
    """Say whether ``host`` is this machine; what is not a name (netlink, unix sockets) is."""
    if isinstance(host, (bytes, bytearray)):
        host = bytes(host).decode("ascii", "replace")
    return not isinstance(host, str) or host in LOOPBACK or host.startswith("127.")


def _hook(event: str, args: tuple[object, ...]) -> None:
    if not event.startswith("socket."):
        return
    host: object = None
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = args[1] if len(args) > 1 else None
        host = address[0] if isinstance(address, tuple) and address else None
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        host = args[0]
    if not is_local(host):
        raise NetworkBlocked(f"{event} {host!r}: the tests are sealed from the network")


sys.addaudithook(_hook)
