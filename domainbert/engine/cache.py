"""A companion's features on disk, by what it read: the same tokens with the same masks are computed once.

A cache is a folder with a file that says whose features it holds, and for each process that wrote to it a file of features and an
index. Both are only appended to, the index last, so that a run that is killed leaves whole entries behind.
"""

import fcntl
import json
import os
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import Tensor, nn

from domainbert.durable import write_text
from domainbert.errors import ModelError

_ENTRY = np.dtype([("key", "V16"), ("offset", "<u8"), ("length", "<u8")])
_OWNER = "cache.json"


class FeatureCache:
    """Features of samples by their key, ``(tokens, layers x width)`` each.

    Args:
        folder: made when absent.
        owner: whose features they are: a companion's weights, tokenizer, layers and precision.
        width: values of a token.
        dtype: of the values.
        rank: of this process; each appends to files of its own.

    Raises:
        ModelError: the folder holds another companion's features, is written by another run, or cannot be used.
    """

    def __init__(self, folder: Path, *, owner: Mapping[str, Any], width: int, dtype: torch.dtype, rank: int = 0) -> None:
        self.folder, self._width, self._dtype = folder, width, dtype
        self._bytes_per_token = width * dtype.itemsize
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._claim(dict(owner))
            self._files = [self._open(rank)]
            fcntl.flock(self._files[0][0], fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._files += [self._open(number) for number in self._writers() if number != rank]
        except BlockingIOError:
            raise ModelError(f"{folder}: another run is writing this cache; wait for it, or name another") from None
        except OSError as error:
            raise ModelError(f"{folder}: cannot be used as a cache of features ({error.strerror})") from error
        self._places: dict[bytes, tuple[int, int, int]] = {}
        for number in range(len(self._files)):
            self._read_index(number)

    def __len__(self) -> int:
        return len(self._places)

    def read(self, keys: Sequence[bytes]) -> Tensor | None:
        """Features of some samples end to end, ``(tokens, width)`` on the CPU; ``None`` where one is missing."""
        if any(key not in self._places for key in keys):
            return None
        parts = []
        for key in keys:
            number, offset, length = self._places[key]
            parts.append(os.pread(self._files[number][0].fileno(), length * self._bytes_per_token, offset))
        return torch.frombuffer(bytearray(b"".join(parts)), dtype=self._dtype).view(-1, self._width)

    def write(self, keys: Sequence[bytes], features: Sequence[Tensor]) -> None:
        """Keep the features of samples that are not there yet."""
        file, index = self._files[0]
        offset = file.seek(0, os.SEEK_END)
        entries = []
        for key, states in zip(keys, features, strict=True):
            if key not in self._places:
                # numpy has no bfloat16: the bytes are what counts
                file.write(states.detach().cpu().to(self._dtype).contiguous().view(torch.uint8).numpy().tobytes())
                self._places[key] = (0, offset, len(states))
                entries.append((key, offset, len(states)))
                offset += len(states) * self._bytes_per_token
        file.flush()
        index.seek(0, os.SEEK_END)
        index.write(np.array(entries, _ENTRY).tobytes())
        index.flush()

    def close(self) -> None:
        """Give the folder free for another run."""
        for file in (file for pair in self._files for file in pair):
            file.close()

    def _claim(self, owner: dict[str, Any]) -> None:
        path = self.folder / _OWNER
        if not path.is_file():
            if strangers := sorted(entry.name for entry in self.folder.iterdir()):
                raise ModelError(f"{self.folder}: is no cache of features (it holds {', '.join(strangers[:3])}); name an empty folder")
            write_text(path, json.dumps(owner, indent=1) + "\n")
            return
        try:
            seen = json.loads(path.read_text())
        except ValueError as error:
            raise ModelError(f"{path}: cannot be read ({error}); delete the cache") from error
        odd = sorted(name for name in owner if not isinstance(seen, dict) or seen.get(name) != owner[name])
        if odd:
            raise ModelError(f"{self.folder}: holds the features of another companion (its {', '.join(odd)} differ); name another folder")

    def _read_index(self, number: int) -> None:
        features, index = self._files[number]
        size = os.fstat(features.fileno()).st_size
        raw = index.read()
        whole = len(raw) // _ENTRY.itemsize * _ENTRY.itemsize
        for entry in np.frombuffer(raw[:whole], _ENTRY):
            offset, length = int(entry["offset"]), int(entry["length"])
            if offset + length * self._bytes_per_token <= size:
                self._places[entry["key"].tobytes()] = (number, offset, length)
        if number == 0 and whole < len(raw):
            index.truncate(whole)  # what a killed run left half written

    def _writers(self) -> list[int]:
        return sorted(int(path.stem.partition("-")[2]) for path in self.folder.glob("features-*.bin"))

    def _open(self, number: int) -> tuple[BinaryIO, BinaryIO]:
        features, index = ((self.folder / f"{name}-{number}.bin").open("a+b") for name in ("features", "index"))
        index.seek(0)
        return features, index


def weights_hash(model: nn.Module) -> str:
    """SHA-256 of a model's weights, wherever they were loaded from."""
    digest = sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()
