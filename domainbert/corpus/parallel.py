"""Work on chunks in other processes, in order and with bounded memory.

The workers are plain child processes that talk over pipes. They neither fork a process that has threads (Arrow's, torch's) nor
import the caller's ``__main__`` as ``multiprocessing`` does, so a script without an ``if __name__`` guard, a notebook and pytest may
all use them.
"""

import os
import pickle
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import chain, islice
from typing import IO, Any, TypeVar

from domainbert.errors import CorpusError

Item = TypeVar("Item")
Result = TypeVar("Result")

ALONE = 4096  # items that are worked on here before other processes are worth their start (a second each)
_COMMAND = "import sys, pickle; sys.path[:] = pickle.load(sys.stdin.buffer); from domainbert.corpus.parallel import serve; serve()"


def ordered_map(
    work: Callable[[Sequence[Item]], list[Result]], items: Iterable[Item], *, processes: int = 0, chunk: int = 512, alone: int | None = None
) -> Iterator[tuple[Item, Result]]:
    """Each item with its result, in order; at most ``processes`` + 1 chunks are in memory.

    Args:
        work: gives the results of a chunk, one an item; a function of a module, or a ``functools.partial`` of one.
        items: are read no further ahead than is needed.
        processes: 0 for as many as this process may use; with 1, or no more than ``alone`` items, everything is done here.
        chunk: items that go to a process at a time.
        alone: items that are worked on here first, ``ALONE`` by default.

    Raises:
        CorpusError: a worker ended before its work was done.
    """
    processes = processes or available_processors()
    stream = iter(items)
    here = _chunks(stream if processes == 1 else islice(stream, ALONE if alone is None else alone), chunk)
    for part in here:
        yield from zip(part, work(part), strict=True)
    rest = next(stream, None)
    if rest is None:
        return
    with ExitStack() as stack:
        workers = [stack.enter_context(_Worker(work)) for _ in range(processes)]
        yield from _in_turn(workers, _chunks(chain((rest,), stream), chunk))


def available_processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _in_turn(workers: list["_Worker"], chunks: Iterator[list[Any]]) -> Iterator[tuple[Any, Any]]:
    """A worker gets its next chunk as soon as its last result is here, before the result is handed on: it never waits for the consumer."""
    busy: deque[tuple[_Worker, list[Any]]] = deque()
    for worker, part in zip(workers, chunks, strict=False):
        worker.send(part)
        busy.append((worker, part))
    while busy:
        worker, part = busy.popleft()
        results = worker.receive()
        following = next(chunks, None)
        if following is not None:
            worker.send(following)
            busy.append((worker, following))
        yield from zip(part, results, strict=True)


def _chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    stream = iter(items)
    while part := list(islice(stream, size)):
        yield part


class _Worker:
    """A child process; it ends when its input does, so it cannot outlive this one."""

    def __init__(self, work: Callable[..., Any]) -> None:
        self._process = subprocess.Popen([sys.executable, "-c", _COMMAND], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._send(sys.path)
        self._send(work)

    def __enter__(self) -> "_Worker":
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._input, self._output):
            try:
                pipe.close()
            except BrokenPipeError:  # what was not sent yet is not wanted any more
                pass

    @property
    def _input(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def _output(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    def send(self, part: list[Any]) -> None:
        self._send(part)

    def receive(self) -> list[Any]:
        try:
            results: list[Any] | BaseException = pickle.load(self._output)
        except (EOFError, pickle.UnpicklingError):
            raise self._ended() from None
        if isinstance(results, BaseException):
            raise results
        return results

    def _send(self, value: object) -> None:
        try:
            pickle.dump(value, self._input)
            self._input.flush()
        except BrokenPipeError:
            raise self._ended() from None

    def _ended(self) -> CorpusError:
        status = self._process.wait()
        return CorpusError(
            f"a worker process ended with status {status} before its work was done (out of memory?); "
            "try fewer with the option processes, or 1 to work in this one"
        )


def serve() -> None:
    """What a child process runs: results for chunks until its input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the parent ends this process
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library that prints must not write between results
    work = pickle.load(sys.stdin.buffer)
    while True:
        try:
            part = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        results: Any
        try:
            results = work(part)
        except Exception as error:  # raised again in the parent, as if the work had been done there
            results = error
        pickle.dump(results, output)
        output.flush()
