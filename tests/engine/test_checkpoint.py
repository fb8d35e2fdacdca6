from pathlib import Path

import pytest

from domainbert.engine.checkpoint import COMPLETE, checkpoint_path, checkpoints, keep_latest, latest_checkpoint
from domainbert.engine.telemetry import MetricsLog


def make(folder: Path, step: int, *, whole: bool = True) -> Path:
    path = checkpoint_path(folder, step)
    path.mkdir(parents=True)
    if whole:
        (path / COMPLETE).write_text("{}")
    return path


def test_the_latest_whole_checkpoint_is_found(tmp_path: Path) -> None:
    for step in (5, 100, 20):
        make(tmp_path, step)
    make(tmp_path, 200, whole=False)
    (tmp_path / ".step-300.partial").mkdir()
    assert latest_checkpoint(tmp_path) == (100, tmp_path / "step-100")
    assert latest_checkpoint(tmp_path / "absent") is None


def test_only_the_last_are_kept(tmp_path: Path) -> None:
    for step in (1, 2, 30, 4):
        make(tmp_path, step)
    (tmp_path / ".step-300.partial").mkdir()
    keep_latest(tmp_path, 2)
    assert [step for step, _ in checkpoints(tmp_path)] == [4, 30]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-30", "step-4"]
    keep_latest(tmp_path, 5)
    assert [step for step, _ in checkpoints(tmp_path)] == [4, 30]


def test_metrics_are_cut_back_and_survive_a_torn_line(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "metrics.jsonl")
    for step in range(1, 6):
        log.write({"step": step, "seconds": float(step)})
    with log.path.open("a") as out:
        out.write('{"step": 6, "seco')
    assert log.seconds() == 5.0
    log.cut_back(3)
    assert [line["step"] for line in log.read()] == [1, 2, 3]


@pytest.mark.parametrize("content", ["", None])
def test_no_metrics_yet(tmp_path: Path, content: str | None) -> None:
    log = MetricsLog(tmp_path / "metrics.jsonl")
    if content is not None:
        log.path.write_text(content)
    assert log.read() == [] and log.seconds() == 0.0
    log.cut_back(0)
    assert log.read() == []
