"""Work in other processes: in order, bounded, and safe wherever it is started from."""

import os
import subprocess
import sys
from functools import partial

import pytest

from domainbert.corpus.parallel import ordered_map
from domainbert.errors import CorpusError


def lengths(part):
    return [len(item) for item in part]


def squares(part, *, power):
    return [number**power for number in part]


def die(part):
    os._exit(3) if 500 in part else None
    return part


def fail(part):
    if 500 in part:
        raise ValueError("number 500")
    return part


@pytest.fixture(autouse=True)
def few_alone(monkeypatch):
    """Workers import this module by its name, as they would an adapter's."""
    from domainbert.corpus import parallel

    monkeypatch.setattr(parallel, "ALONE", 10)
    monkeypatch.syspath_prepend(os.path.dirname(__file__))  # noqa: PTH120
    monkeypatch.setitem(sys.modules, "test_parallel", sys.modules[__name__])
    for function in (lengths, squares, die, fail):
        monkeypatch.setattr(function, "__module__", "test_parallel")


@pytest.mark.parametrize("processes", [1, 2, 3])
@pytest.mark.parametrize("count", [0, 1, 10, 11, 500])
def test_results_stand_beside_their_items(processes, count):
    found = list(ordered_map(partial(squares, power=3), range(count), processes=processes, chunk=7))
    assert found == [(number, number**3) for number in range(count)]


def test_items_are_read_no_further_ahead_than_the_workers_need():
    taken = 0

    def items():
        nonlocal taken
        for taken in range(1, 100_001):
            yield "x" * taken

    results = ordered_map(lengths, items(), processes=2, chunk=5)
    for _ in range(50):
        next(results)
    assert taken <= 50 + 3 * 5
    results.close()


def test_large_chunks_do_not_block_the_pipes():
    texts = [str(number) * 100_000 for number in range(60)]
    assert [length for _, length in ordered_map(lengths, texts, processes=2, chunk=10)] == [len(text) for text in texts]


def test_a_worker_that_dies_is_named():
    with pytest.raises(CorpusError, match="a worker process ended with status 3"):
        list(ordered_map(die, range(1000), processes=2, chunk=10))


def test_an_error_of_the_work_is_raised_here():
    with pytest.raises(ValueError, match="number 500"):
        list(ordered_map(fail, range(1000), processes=2, chunk=10))


def test_a_script_without_a_guard_may_use_it(tmp_path, repository):
    """``multiprocessing`` would run the script again in each worker."""
    script = tmp_path / "script.py"
    script.write_text(
        "from math import sqrt\nfrom domainbert.adapters.registry import load_adapter\n"
        "from domainbert.corpus import parallel\nparallel.ALONE = 2\nprint('once')\n"
        f"open({str(tmp_path / 'a.smi')!r}, 'w').write('OCC\\n' * 2000)\n"
        f"print(len(list(load_adapter('molecules', options={{'processes': 2}}).records({str(tmp_path / 'a.smi')!r}))))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert (done.stdout, done.returncode) == ("once\n2000\n", 0), done.stderr
