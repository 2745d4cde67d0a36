"""Signs of life of a process with a loop of its own; who watches it (config's supervisor) says what a sign does."""

from collections.abc import Callable

_listeners: list[Callable[[], None]] = []


def on_sign_of_life(listener: Callable[[], None]) -> None:
    """Call this at every sign of life of this process."""
    _listeners.append(listener)


def sign_of_life() -> None:
    """One turn of the loop is done, well or not."""
    for listener in _listeners:
        listener()
