"""The compiled form of a version: nodes that name their successors. Immutable, stored as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Self

FORMAT = 1


@dataclass(frozen=True)
class RetryPolicy:
    """How often a step is tried, and how long the run waits in between.

    The product's default: one minute, once more, then log and tell the team.
    """

    attempts: int = 2
    first_wait_seconds: int = 60
    factor: float = 2.0
    ceiling_seconds: int = 3600

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """From a step's JSON; what it leaves out is the default."""
        known = {name: stored[name] for name in cls.__dataclass_fields__ if stored.get(name) is not None}
        return cls(**known)

    def wait_before(self, attempt: int) -> timedelta:
        """The pause before this attempt (2 is the first retry)."""
        seconds = self.first_wait_seconds * self.factor ** max(0, attempt - 2)
        return timedelta(seconds=min(seconds, self.ceiling_seconds))

    def as_json(self) -> dict[str, Any]:
        """For the program."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True)
class Node:
    """One step of the program. `next` follows after the step and after a lane that does not end the run."""

    key: str
    type: str
    name: str
    number: int
    config: dict[str, Any]
    retry: RetryPolicy
    on_failure: str
    next: str | None
    lanes: dict[str, str | None] = field(default_factory=dict)

    def successor(self, lane: str) -> str | None:
        """The step after this one when `lane` was taken."""
        if lane and lane in self.lanes:
            return self.lanes[lane]
        return self.next


@dataclass(frozen=True)
class Program:
    """What a run executes."""

    start: str | None
    nodes: dict[str, Node]

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """From the version's JSON."""
        nodes = {
            key: Node(
                key=key,
                type=node["type"],
                name=node["name"],
                number=node["number"],
                config=node["config"],
                retry=RetryPolicy.of(node["retry"]),
                on_failure=node["on_failure"],
                next=node["next"],
                lanes=node["lanes"],
            )
            for key, node in stored["nodes"].items()
        }
        return cls(start=stored["start"], nodes=nodes)

    def as_json(self) -> dict[str, Any]:
        """For the version's row."""
        return {
            "format": FORMAT,
            "start": self.start,
            "nodes": {
                key: {
                    "type": node.type,
                    "name": node.name,
                    "number": node.number,
                    "config": node.config,
                    "retry": node.retry.as_json(),
                    "on_failure": node.on_failure,
                    "next": node.next,
                    "lanes": node.lanes,
                }
                for key, node in self.nodes.items()
            },
        }
