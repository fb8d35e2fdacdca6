"""Reads what a safetensors file says of itself, and distrusts it."""

import json
from math import prod
from pathlib import Path
from typing import Any, Final

from domainbert.errors import ModelError

_LENGTH_BYTES: Final = 8
_LARGEST_HEADER: Final = 100_000_000  # the format's own limit
_BITS: Final = {"BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16,
                "I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64}  # fmt: skip


def read_header(path: Path) -> dict[str, Any]:
    """The header of a safetensors file, checked: tensors fill the file without a gap, as the format asks.

    Raises:
        ModelError: it is no safetensors file, or a damaged one.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
        if size < _LENGTH_BYTES or length > min(_LARGEST_HEADER, size - _LENGTH_BYTES):
            raise ModelError(f"{path}: is no safetensors file (its header would be {length:,} bytes long, the file has {size:,})")
        raw = file.read(length)
    try:
        header = json.loads(raw)
        tensors = {name: tensor for name, tensor in header.items() if name != "__metadata__"}
        end = 0
        for name, tensor in sorted(tensors.items(), key=lambda item: tuple(item[1]["data_offsets"])):
            first, last = tensor["data_offsets"]
            wanted = prod(tensor["shape"]) * _BITS[tensor["dtype"]] // 8
            if first != end or last - first != wanted:
                raise ValueError(f"tensor {name!r} lies at {first}..{last}, {wanted} bytes are due at {end}")
            end = last
        if end != size - _LENGTH_BYTES - length:
            raise ValueError(f"{size - _LENGTH_BYTES - length} bytes of tensors, the header describes {end}")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(f"{path}: is no safetensors file, or a damaged one ({error})") from None
    return dict(header)


def num_parameters(model: Path) -> int:
    """Numbers in the weight files of a folder; tied weights are stored, and counted, once."""
    files = sorted(model.glob("*.safetensors"))
    headers = [read_header(file) for file in files]
    return sum(prod(tensor["shape"]) for header in headers for name, tensor in header.items() if name != "__metadata__")
