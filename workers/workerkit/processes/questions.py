"""Where does a child stand? Asked of the child itself, and if that does not hear, of its interpreter by a signal."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from workerkit.failures import Redactor
from workerkit.processes.dump import parse_dump, read_dump
from workerkit.processes.launching import Process
from workerkit.processes.protocol import Frame
from workerkit.processes.samples import read_stack
from workerkit.stacks import PERIOD

ANSWER_PATIENCE = 0.3
"""Seconds that the child has to hear a question; then a signal asks the interpreter itself."""
LOOKING_PATIENCE = 2.0
"""Seconds that its looks may take beyond their usual time, where other threads contend for the interpreter's lock."""
DUMP_PATIENCE = 0.5
"""Seconds in which the interpreter has written its dump."""
DUMP_LOOK = 0.02
"""Seconds between two looks at a dump: one that has not grown is complete."""

Answer = dict[str, Any] | None
"""A stack as workerkit.stacks describes it; None: nothing can be seen."""

_numbers = count(1)


@dataclass(slots=True, eq=False)
class Question:
    """One, and who is told the answer."""

    times: int
    """Looks; more than one make a tree of samples."""
    answered: Callable[[Answer], None]
    number: int = field(default_factory=lambda: next(_numbers))
    until: float = 0.0
    dump_from: int | None = None
    """Where the dump begins that answers it, once the interpreter was asked."""
    dump_size: int = 0

    @property
    def patience(self) -> float:
        """Seconds in which it is answered, whatever the child does."""
        return self.times * PERIOD + LOOKING_PATIENCE + DUMP_PATIENCE + 1.0


class Questions:
    """Those that are open about one child. Used by the thread that supervises it."""

    def __init__(self, process: Process, send: Callable[[Frame], None], label: str, redactor: Redactor) -> None:
        self._process = process
        self._send = send
        self._label = label
        self._redactor = redactor
        self._open: list[Question] = []

    def put(self, question: Question) -> None:
        """Asks the child."""
        question.until = time.monotonic() + ANSWER_PATIENCE
        self._open.append(question)
        self._send({"kind": "stack", "id": question.number, "times": question.times})

    def heard(self, frame: Frame) -> None:
        """The child has heard it, and looks: it has time for that."""
        for question in self._of(frame):
            question.until = time.monotonic() + question.times * PERIOD + LOOKING_PATIENCE

    def take(self, frame: Frame) -> None:
        """The child answers.

        Raises:
            ProtocolError: with something that is no stack.
        """
        answer = read_stack(frame)
        for question in self._of(frame):
            self._settle(question, answer)

    def attend(self, now: float) -> None:
        """Goes on with those that the child has not answered in time."""
        size = os.fstat(self._process.dump).st_size if self._open else 0
        for question in list(self._open):
            if question.dump_from is None:
                if now >= question.until:
                    question.dump_from = question.dump_size = size
                    question.until = now + DUMP_PATIENCE
                    self._process.poke(signal.SIGUSR1)
            elif now >= question.until or (size > question.dump_from and size == question.dump_size):
                self._settle(question, self._dumped(question.dump_from))
            else:
                question.dump_size = size

    def moments(self) -> list[float]:
        """When attend() has something to do."""
        soon = time.monotonic() + DUMP_LOOK
        return [question.until if question.dump_from is None else soon for question in self._open]

    def left(self) -> list[Question]:
        """Those without an answer."""
        return list(self._open)

    def _of(self, frame: Frame) -> list[Question]:
        return [question for question in self._open if question.number == frame.get("id")]

    def _dumped(self, start: int) -> Answer:
        text = read_dump(self._process.dump, start)
        stack = parse_dump(text, self._label, self._redactor, fatal=False).stack
        if stack is not None:
            stack["note"] = stack["note"] or "it gives the interpreter's lock to nobody; this is a single look"
        return stack

    def _settle(self, question: Question, answer: Answer) -> None:
        self._open.remove(question)
        question.answered(answer)
