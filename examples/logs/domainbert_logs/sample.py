"""Lines as a small site's machines write them, made up by a generator: the same ones each time."""

from collections.abc import Iterator

import numpy as np

NUM_LINES = 20_000
VERBS = ("accepted", "closed", "refused", "restarted", "reset", "timed out", "verified", "dropped", "queued", "retried")
THINGS = ("connection", "session", "transaction", "job", "lease", "certificate", "upload", "backup", "request", "channel")
PROGRAMS = ("sshd", "nginx", "postfix", "cron", "kernel", "dhcpd", "postgres", "backupd")
ENDS = ("for user {user} from {address}", "on port {port}", "after {small} ms", "with status {small}", "by {user}", "at {address}:{port}")


def generate() -> Iterator[str]:
    """About a thousand templates, the frequent ones a hundred times as often as the rare ones; hosts keep to their programs."""
    rng = np.random.default_rng(7)
    templates = [f"{program}[{{pid}}]: {thing} {verb} {end}" for program in PROGRAMS for thing in THINGS for verb in VERBS for end in ENDS]
    templates = [templates[index] for index in rng.permutation(len(templates))[:1000]]
    weights = 1 / np.arange(10, 1010)
    second = 0
    for index in rng.choice(1000, NUM_LINES, p=weights / weights.sum()).tolist():
        second += int(rng.integers(0, 30))
        pid = 300 + 40 * PROGRAMS.index(templates[index].partition("[")[0]) + int(rng.integers(0, 3))
        values = {"pid": pid, "port": int(rng.integers(1024, 65536)), "small": int(rng.integers(0, 900))}
        values |= {"user": f"u{int(rng.zipf(1.5)) % 200}", "address": f"10.{pid % 7}.{int(rng.integers(0, 4))}.{int(rng.zipf(1.3)) % 250}"}
        day, clock = 1 + second // 86_400, f"{second // 3600 % 24:02}:{second // 60 % 60:02}:{second % 60:02}"
        yield f"Jan {day:2} {clock} web{1 + pid % 4} {templates[index].format(**values)}"
