"""What the processes print, line by line, each with its process's name before it."""

import os
import sys

_COLOURS = (36, 32, 33, 35, 34, 96, 92, 93)
_LONGEST_LINE = 64 * 1024


class Printer:
    """Collects each process's bytes into whole lines; colours the names on a terminal."""

    def __init__(self, names: list[str]) -> None:
        self._width = max((len(name) for name in names), default=0)
        self._colours = {name: _COLOURS[index % len(_COLOURS)] for index, name in enumerate(names)}
        self._is_terminal = sys.stdout.isatty()
        self._partial: dict[str, bytes] = {}

    def read(self, name: str, descriptor: int) -> bool:
        """Print what the process wrote; False at the end of its output."""
        try:
            data = os.read(descriptor, 65536)
        except BlockingIOError:
            return True
        lines = (self._partial.pop(name, b"") + data).split(b"\n")
        rest = lines.pop()
        if rest and (not data or len(rest) > _LONGEST_LINE):
            lines.append(rest)
        elif rest:
            self._partial[name] = rest
        for line in lines:
            self.say(name, line.decode(errors="replace"))
        return bool(data)

    def say(self, name: str, line: str) -> None:
        """Print one line under the name."""
        label = name.ljust(self._width)
        if self._is_terminal:
            label = f"\x1b[{self._colours.get(name, 1)}m{label}\x1b[0m"
        try:
            sys.stdout.write(f"{label} | {line}\n")
            sys.stdout.flush()
        except (BrokenPipeError, BlockingIOError):
            return
