"""The connection of this process to a cluster."""

from __future__ import annotations

import logging
import os
import re
import signal
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ocrloom.errors import OcrClusterUnavailable, OcrOptionError

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["Cluster", "check_address", "connect", "nodes", "ray_module", "seen"]

_LOCAL: Final = "local"
_AUTO: Final = "auto"
_ADDRESS: Final = re.compile(r"[^\s:/]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5}")
_HELLO: Final = 10.0  # seconds that a machine has to answer

_lock = threading.Lock()
_dashboard: str | None = None  # where this module has connected


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """What this process is connected to."""

    address: str
    """Where its head is, ``host:port``."""
    dashboard: str | None
    """URL of its dashboard, if it has one."""
    nodes: int
    """Machines that are alive."""
    cpus: int
    """CPUs of all of them."""


def ray_module() -> ModuleType:
    """The module ``ray``, which tells nobody that it is used.

    Raises:
        OcrOptionError: It is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise OcrOptionError(
            f'reading on a cluster needs more packages: {error}; pip install "ocrloom[ray]"'
        ) from error
    return ray


def connect(address: str | None) -> Cluster:
    """Connects this process, unless it is connected already; blocks for some seconds.

    Args:
        address: ``host:port`` of a cluster's head; ``local`` for a new one of this machine alone,
            which ends with the process; ``auto`` for the one that ``RAY_ADDRESS`` names or that
            this machine belongs to; None for that one too, or a local one where there is none.

    Returns:
        What it is connected to.

    Raises:
        OcrOptionError: The address is none, or the extra is not installed.
        OcrClusterUnavailable: The cluster cannot be reached.
    """
    if address is not None:
        check_address(address)
    ray = ray_module()
    with _lock:
        if not ray.is_initialized():
            _connect(ray, address)
    return seen()


def seen() -> Cluster:
    """What this process is connected to, as it is now; blocks for a moment."""
    alive = nodes()
    return Cluster(
        address=ray_module().get_runtime_context().gcs_address,
        dashboard=_dashboard,
        nodes=len(alive),
        cpus=int(sum(node["Resources"].get("CPU", 0) for node in alive)),
    )


def nodes() -> list[dict[str, Any]]:
    """The machines of the cluster that are alive, as Ray tells of them; blocks for a moment."""
    return [node for node in ray_module().nodes() if node["Alive"]]


def check_address(address: object, what: str = "a cluster's address") -> None:
    """Refuses what is no address of a cluster.

    Args:
        address: What was given.
        what: What it is called in messages.

    Raises:
        OcrOptionError: It is none.
    """
    if address in (_LOCAL, _AUTO) or (isinstance(address, str) and _ADDRESS.fullmatch(address)):
        return
    hint = ""
    if isinstance(address, str) and address.startswith("ray://"):
        hint = "; pages do not stream to such clients: run it on a machine of the cluster"
    raise OcrOptionError(f"{what} must be host:port, 'auto' or 'local', got {address!r}{hint}")


def _connect(ray: ModuleType, address: str | None) -> None:
    global _dashboard
    address = _answering(address)
    # It says that this is not the main thread, whose signals are the program's own.
    words = logging.getLogger("ray")
    level = words.level
    # Where it is, Ray would end the program in its own way.
    handler = signal.getsignal(signal.SIGTERM)
    words.setLevel(logging.ERROR)
    try:
        context = ray.init(
            address=address,
            # Standard output and standard error are for what was read, and for what went wrong.
            log_to_driver=False,
            logging_level=logging.ERROR,
            configure_logging=False,
        )
    # What Ray raises where its processes do not start in time is a bare Exception.
    except Exception as error:
        wanted = address or os.environ.get("RAY_ADDRESS") or "a cluster of this machine"
        reason = str(error).strip().splitlines()
        raise OcrClusterUnavailable(
            f"{wanted}: cannot be reached: {reason[0] if reason else type(error).__name__}; check "
            "the address, and that the cluster runs (ray status)"
        ) from error
    finally:
        words.setLevel(level)
        if handler is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)
    _dashboard = f"http://{context.dashboard_url}" if context.dashboard_url else None
    # What Ray says of killed processes goes to standard output all the same.
    ray._private.worker._worker_logs_enabled = False


def _answering(address: str | None) -> str | None:
    """The same address, or another one that means it; Ray would try one that is dead for ever.

    Raises:
        OcrOptionError: The variable holds none.
        OcrClusterUnavailable: Nothing listens there.
    """
    given = address
    if address in (None, _AUTO) and (given := os.environ.get("RAY_ADDRESS") or None):
        check_address(given, "the variable RAY_ADDRESS")
    # Where nobody names one, Ray goes to that which was started last, though it may have ended.
    from ray._private import services

    there = given or services.find_bootstrap_address(None)
    if address == _LOCAL or there is None or not _ADDRESS.fullmatch(there):
        return address
    host, _, port = there.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _HELLO).close()
    except (OSError, OverflowError) as error:
        if address is None and given is None:
            return _LOCAL
        raise OcrClusterUnavailable(
            f"{there}: no cluster answers: {error}; check the address, and that the cluster runs "
            "(ray status)"
        ) from error
    return address
