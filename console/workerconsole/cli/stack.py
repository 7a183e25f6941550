"""stack: where a running worker stands, as its host sees it: sampled for a second, with what is usual beside it."""

from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import PurePath
from typing import Any

from workerconsole.cli import documents
from workerconsole.cli.access import HOW_TO_START, known_worker, reading
from workerconsole.cli.errors import CommandError, Exit, NoHostError
from workerconsole.cli.output import coloured, emit, emit_json, fit, safe, terminal_width
from workerconsole.cli.percentiles import Percentiles, document, percentiles
from workerconsole.cli.tracebacks import BOLD, DIM, Sheet
from workerconsole.format import clock_time, duration, plural
from workerkit.clock import Micros, SystemClock
from workerkit.operator import Operator, Verb
from workerkit.store.records import CommandRecord, LogRecord

PATIENCE = 10.0
"""Seconds that a live host may take; it samples for one."""
HISTORY = 200
"""Latest succeeded runs that tell what is usual."""
LATEST_LINES = 5
SAMPLES = 20
"""Samples of a full answer."""
PIPE_WIDTH = 160
"""Characters of a line where there is no terminal to fit."""
MAX_NODES = 1_000
MAX_CHILDREN = 50
"""What is read of an answer at most; hosts send less."""

Node = Mapping[str, Any]


def stack(arguments: Namespace) -> int:
    """Asks the host, which takes about a second."""
    with reading(arguments.db) as (database, reader):
        name = known_worker(reader, arguments.worker).name
        if not database.host_is_live():
            raise NoHostError(f"no host is live, so nothing runs; {HOW_TO_START}")
        operator = Operator(database)
        answer = operator.wait(operator.submit(Verb.STACK, name), PATIENCE)
        if answer.state == "pending":
            raise CommandError(f"the host has not answered within {PATIENCE:g} s; is it overloaded? Try again")
        if answer.state != "done" or not isinstance(answer.data, dict):
            raise CommandError(f"{answer.state}: {safe(answer.result)}")
        run = reader.run(answer.run_id) if answer.run_id is not None else None
        age = None if run is None else max(0, (run.finished_at or SystemClock().now()) - run.started_at)
        usual = percentiles(reader.durations(name, HISTORY))
        lines = [line for line in reader.latest_log_lines(name, LATEST_LINES) if line.run_id == answer.run_id]
        if arguments.json:
            emit_json(_document(name, answer, age, usual, lines))
            return Exit.DONE
        sheet = Sheet(terminal_width() or PIPE_WIDTH, coloured())
        emit(_headline(answer.data, age, usual))
        for line in stack_lines(answer.data, safe(answer.result), sheet):
            emit(line)
        _print_log(lines)
    return Exit.DONE


def stack_lines(data: Mapping[str, Any], where: str, sheet: Sheet) -> Iterator[str]:
    """The tree of samples, the tasks waited for, and what can't be seen. The answer may be of another version."""
    yield sheet.ink(where, BOLD)
    samples = data.get("samples")
    total = samples if type(samples) is int else 0
    if tree := _nodes(data.get("tree")):
        yield ""
        yield from _tree(tree, total, sheet)
    children = _nodes(data.get("children"))
    if children:
        yield ""
        yield from _children(children, 0, sheet)
    notes = [safe(data["note"])] if isinstance(data.get("note"), str) else []
    if 0 < total < SAMPLES:
        notes.append(f"the run ended while it was looked at, after {plural(total, 'sample')}")
    yield from (f"note: {note}" for note in notes)


def _tree(roots: Sequence[Node], total: int, sheet: Sheet) -> Iterator[str]:
    """Frames outermost first. What all samples of a branch have passed stands at one indentation."""
    width = len(f"{total} of {total}")
    pending = [(node, 0) for node in reversed(roots)]
    for _ in range(MAX_NODES):
        if not pending:
            return
        node, depth = pending.pop()
        indent, label = "  " * depth, f"{_count(node)} of {total}"
        chain = _chain(node)
        for _, group in groupby(chain, key=lambda place: tuple(map(place.get, ("file", "line", "function")))):
            same = list(group)
            yield f"{indent}{label:>{width}}  {_place(same[0], sheet, 2 * depth + width + 2)}"
            label = ""
            if len(same) > 1:
                yield sheet.ink(f"{indent}{' ' * width}    [the same {len(same) - 1} more times]", DIM)
        pending += [(inner, depth + 1) for inner in reversed(_nodes(chain[-1].get("below")))]


def _chain(node: Node) -> list[Node]:
    """The frame and those below it, as far as all its samples went."""
    chain = [node]
    while len(below := _nodes(chain[-1].get("below"))) == 1 and _count(below[0]) == _count(node):
        chain.append(below[0])
    return chain


def _children(children: Sequence[Node], depth: int, sheet: Sheet) -> Iterator[str]:
    """Tasks waited for, each with where it stands."""
    indent = "  " * depth
    for child in children:
        yield f"{indent}waits for {safe(child.get('label'), 200)}"
        frames = _nodes(child.get("frames"))
        yield from (f"{indent}  {_place(frame, sheet, len(indent) + 2)}" for frame in frames)
        if isinstance(child.get("note"), str):
            yield f"{indent}  note: {safe(child['note'])}"
        if depth < MAX_CHILDREN:
            yield from _children(_nodes(child.get("children")), depth + 1, sheet)


def _place(node: Node, sheet: Sheet, taken: int) -> str:
    """One frame on one line: one's own code marked and with its source."""
    own = node.get("own") is True
    file = PurePath(safe(node.get("file"), 1000)).name
    text = safe(node.get("text") or _failing_line(node), 240).strip()
    line = f"{'>' if own else ' '} {safe(node.get('function'), 200)}, {file}:{safe(node.get('line'), 12)}"
    shown = fit(f"{line}  {text}" if text else line, max(sheet.width - taken, 20))
    return sheet.ink(shown, BOLD if own else DIM)


def _failing_line(node: Node) -> str:
    source = node.get("source")
    for entry in source if isinstance(source, list) else ():
        if isinstance(entry, list) and len(entry) == 2 and entry[0] == node.get("line"):
            return str(entry[1])
    return ""


def _nodes(value: object) -> list[Node]:
    return [item for item in value[:MAX_NODES] if isinstance(item, Mapping)] if isinstance(value, list) else []


def _count(node: Node) -> int:
    count = node.get("count")
    return count if type(count) is int else 0


def _headline(data: Mapping[str, Any], age: Micros | None, usual: Percentiles | None) -> str:
    parts = [safe(data.get("label"), 200)]
    if age is not None:
        parts.append(f"for {duration(age)}")
    if usual is not None:
        parts.append(str(usual))
    return "; ".join(parts)


def _print_log(lines: Sequence[LogRecord]) -> None:
    if lines:
        emit()
    for line in lines:
        emit(f"{clock_time(line.at)} {(line.level or line.stream).lower():<8} {safe(line.text)}")


def _document(
    worker: str, answer: CommandRecord, age: Micros | None, usual: Percentiles | None, lines: Sequence[LogRecord]
) -> documents.Document:
    data = answer.data
    return {
        "stack": {
            "worker": worker,
            "run_id": answer.run_id,
            "taken_at": documents.moment(data["taken_at"]) if type(data.get("taken_at")) is int else None,
            "age_seconds": documents.span(age),
            "usual": document(usual),
            "where": answer.result,
            **{key: data.get(key) for key in ("label", "samples", "tree", "frames", "note", "children")},
        },
        "lines": [documents.log_line(line) for line in lines],
    }
