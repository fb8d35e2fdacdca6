"""From source strings to files, and from files to text that can be trusted: every way in which it cannot."""

import bz2
import gzip
import io
import lzma
import os
import re
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zstandard

from domainbert.corpus import open as opening
from domainbert.corpus.open import Source, expand, open_source
from domainbert.errors import CorpusError

TEXT = b">a first\nACGTACGT\nACGT\n>b\nGGGG\n"


def read(path: Path, **options) -> bytes:
    with Source(path, **options) as source:
        return b"".join(source.blocks())


def bgzip(data: bytes, size: int = 7) -> bytes:
    """Many gzip members and an empty one at the end, as bgzip writes."""
    return b"".join(gzip.compress(data[at : at + size]) for at in range(0, len(data), size)) + gzip.compress(b"")


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


def zstd_frames(data: bytes) -> bytes:
    """Several frames and a skippable one, as pzstd writes."""
    return b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd" + zstd(data[:5]) + zstd(b"") + zstd(data[5:])


PACKINGS = {"plain": bytes, "gzip": gzip.compress, "bgzip": bgzip, "zstd": zstd, "zstd frames": zstd_frames}


@pytest.mark.parametrize("packing", PACKINGS)
def test_compression_is_told_by_content_not_by_name(tmp_path, packing):
    for name in ("x.fa", "x.fa.gz", "x.zst"):
        (tmp_path / name).write_bytes(PACKINGS[packing](TEXT))
        assert read(tmp_path / name) == TEXT


@pytest.mark.parametrize("packing", PACKINGS)
def test_large_files_are_whole(tmp_path, packing):
    data = os.urandom(700_000).hex().encode() + b"\n"
    pack = (lambda text: bgzip(text, 65_280)) if packing == "bgzip" else PACKINGS[packing]
    (tmp_path / "x").write_bytes(pack(data))
    assert read(tmp_path / "x") == data


def test_gzip_may_be_padded_with_zeros(tmp_path):
    (tmp_path / "x.gz").write_bytes(gzip.compress(TEXT) + bytes(1000) + gzip.compress(TEXT) + bytes(3))
    assert read(tmp_path / "x.gz") == TEXT * 2


@pytest.mark.parametrize("end", [b"\r\n", b"\r", b"\n"])
@pytest.mark.parametrize("size", [1, 2, 3, 1 << 16])
def test_line_ends_become_lf_wherever_blocks_end(tmp_path, monkeypatch, end, size):
    monkeypatch.setattr("domainbert.corpus.decompress.BLOCK_SIZE", size)
    monkeypatch.setattr(opening, "HEAD_SIZE", 1)
    text = b"\nab\n\n\ncd\nef\n"
    (tmp_path / "x").write_bytes(text.replace(b"\n", end))
    assert read(tmp_path / "x") == text


def test_byte_order_mark_is_dropped(tmp_path):
    (tmp_path / "x").write_bytes(b"\xef\xbb\xbf" + TEXT)
    assert read(tmp_path / "x") == TEXT


def test_text_file_reads_lines(tmp_path):
    (tmp_path / "x").write_bytes(gzip.compress("é\nü\n".encode("latin-1")))
    with open_source(tmp_path / "x") as source:
        assert source.text("latin-1").read() == "é\nü\n"


# Damaged and refused files


@contextmanager
def refused(*words: str) -> Iterator[None]:
    with pytest.raises(CorpusError) as caught:
        yield
    for word in words:
        assert re.search(word, str(caught.value)), f"{word!r} is not in {caught.value}"


@pytest.mark.parametrize("packing", ["gzip", "bgzip", "zstd", "zstd frames"])
@pytest.mark.parametrize("share", [0.2, 0.6, 0.99])
def test_truncated_file_names_its_byte(tmp_path, packing, share):
    packed = PACKINGS[packing](os.urandom(3000).hex().encode())
    end = int(len(packed) * share)
    end += packed[end:].startswith(gzip.compress(b"")[:3])  # what ends between two gzip members is a whole file
    (tmp_path / "chr1.fa.gz").write_bytes(packed[:end])
    with refused(r"chr1\.fa\.gz: \w+ ends early after record 0", rf"byte {end}\)", "download it again"):
        read(tmp_path / "chr1.fa.gz")


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_file_that_is_cut_after_its_magic_number(tmp_path, packing):
    (tmp_path / "x").write_bytes(PACKINGS[packing](TEXT)[:6])
    with refused("ends early", "byte 6"):
        read(tmp_path / "x")


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_corrupt_file_is_named(tmp_path, packing):
    packed = bytearray(PACKINGS[packing](os.urandom(300_000).hex().encode()))
    packed[len(packed) // 2] ^= 0xFF
    (tmp_path / "x.fa").write_bytes(packed)
    with refused(r"x\.fa: (gzip|zstd) data are corrupt", r"byte \d+\)", "download it again"):
        read(tmp_path / "x.fa")


def test_wrong_checksum_at_the_very_end(tmp_path):
    packed = bytearray(gzip.compress(TEXT))
    packed[-5] ^= 1
    (tmp_path / "x").write_bytes(packed)
    with refused("corrupt", "incorrect"):
        read(tmp_path / "x")


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_trailing_garbage_is_named(tmp_path, packing):
    packed = PACKINGS[packing](TEXT)
    (tmp_path / "x").write_bytes(packed + b"and more")
    with refused("other bytes follow|corrupt", rf"byte {len(packed)}\)"):
        read(tmp_path / "x")


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_bomb_is_stopped_at_64_mib(tmp_path, packing):
    (tmp_path / "bomb").write_bytes(PACKINGS[packing](b">a\n" + b"A" * 90_000_000))
    num_bytes = 0
    with refused("bomb: ", "unpack to (64|9[0-9]?|[678]\\d) MiB", "200:1"), Source(tmp_path / "bomb") as source:
        for block in source.blocks():
            num_bytes += len(block)
    assert num_bytes <= 64 << 20


def test_telomeres_of_n_are_no_bomb(tmp_path):
    text = b">chr13\n" + b"N" * 16_000_000 + os.urandom(200_000).hex().encode()
    (tmp_path / "x.gz").write_bytes(gzip.compress(text, 1))
    assert len(read(tmp_path / "x.gz")) == len(text)


def test_size_cap_holds_at_any_ratio(tmp_path):
    (tmp_path / "x.gz").write_bytes(gzip.compress(os.urandom(50_000).hex().encode()))
    with refused("more than 99999 bytes"):
        read(tmp_path / "x.gz", max_bytes=99_999)
    assert len(read(tmp_path / "x.gz", max_bytes=100_000)) == 100_000


def test_binary_file_is_refused(tmp_path):
    (tmp_path / "x").write_bytes(b"BAM\x01\x02\x03\x00\x00rest")
    with refused("binary file", "control characters"):
        read(tmp_path / "x")


def test_nul_bytes_deep_in_a_file_are_named(tmp_path):
    (tmp_path / "x").write_bytes(b">a\n" + b"ACGT" * 100_000 + bytes(512))
    with refused("NUL byte", "byte 400003"):
        read(tmp_path / "x")


def test_utf_16_is_named(tmp_path):
    (tmp_path / "x").write_text(">a\nACGT\n", encoding="utf-16")
    with refused("UTF-16", "save it as UTF-8"):
        read(tmp_path / "x")


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.fa", TEXT)
    return buffer.getvalue()


def _tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.fa"), io.BytesIO(b""))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (_zip(), "zip archive"),
        (_tar(), "tar archive"),
        (gzip.compress(_tar()), "tar archive"),
        (bz2.compress(TEXT), "bzip2"),
        (lzma.compress(TEXT), "xz"),
        (gzip.compress(gzip.compress(TEXT)), "compressed twice"),
        (gzip.compress(b"PAR1 and so on"), "Parquet inside gzip"),
    ],
    ids=["zip", "tar", "tar.gz", "bzip2", "xz", "twice", "parquet"],  # gzip holds the time, and tests of several processes need one name
)
def test_archives_say_what_to_do(tmp_path, data, kind):
    (tmp_path / "x.fa").write_bytes(data)
    with refused(kind, "unpack it", "gzip"):
        open_source(tmp_path / "x.fa")


@pytest.mark.parametrize("packing", PACKINGS)
def test_empty_file_is_named(tmp_path, packing):
    (tmp_path / "x").write_bytes(PACKINGS[packing](b""))
    with refused("empty", "0 bytes"):
        open_source(tmp_path / "x")


def test_missing_file_folder_and_device(tmp_path):
    with refused("no such file"):
        open_source(tmp_path / "missing.fa")
    with refused("is a folder"):
        open_source(tmp_path)
    with refused("not a regular file"):
        open_source(Path("/dev/null"))


@contextmanager
def ordinary_user() -> Iterator[None]:
    """File modes do not bind the superuser, who runs the tests in a container."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_unreadable_file_and_folder():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "x.fa").write_bytes(TEXT)
        (folder / "closed").mkdir()
        for path in folder.iterdir():
            path.chmod(0)
        with ordinary_user():
            with refused(r"x\.fa: cannot be read", "Permission denied"):
                open_source(folder / "x.fa")
            with refused("closed: cannot be read", "Permission denied"):
                expand(str(folder))
        (folder / "closed").chmod(0o755)


# Source strings


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(TEXT)


def names(files: list[Path], folder: Path) -> list[str]:
    return [str(file.relative_to(folder)) for file in files]


def test_folder_is_searched_to_the_bottom_and_sorted(tmp_path):
    touch(tmp_path, "b.fa", "a/z.fa", "a/c/d.fa", ".hidden.fa", ".git/x.fa", "a.fa")
    assert names(expand(str(tmp_path)), tmp_path) == ["a/c/d.fa", "a/z.fa", "a.fa", "b.fa"]


def test_linked_folders_are_read_once(tmp_path):
    touch(tmp_path, "data/a.fa", "elsewhere/b.fa")
    (tmp_path / "data" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data" / "loop").symlink_to(tmp_path / "data")
    assert names(expand(str(tmp_path / "data")), tmp_path) == ["data/a.fa", "data/link/b.fa"]


def test_broken_link_is_not_passed_over(tmp_path):
    (tmp_path / "x.fa").symlink_to(tmp_path / "gone.fa")
    (file,) = expand(str(tmp_path))
    with refused("no such file"):
        open_source(file)


def test_suffixes_choose_in_folders_and_the_log_names_the_rest(tmp_path, caplog):
    touch(tmp_path, "a.fa", "b.FNA.GZ", "c.fa.zst", "README.md", "d.txt", "sub/e.fa.bgz")
    found = expand(str(tmp_path), suffixes={".fa", ".fna"})
    assert names(found, tmp_path) == ["a.fa", "b.FNA.GZ", "c.fa.zst", "sub/e.fa.bgz"]
    assert "left out 2 files" in caplog.text and "README.md, d.txt" in caplog.text
    assert expand(str(tmp_path / "d.txt"), suffixes={".fa"}) == [tmp_path / "d.txt"]
    assert expand(str(tmp_path / "*.md"), suffixes={".fa"}) == [tmp_path / "README.md"]


def test_folder_with_nothing_to_read(tmp_path):
    (tmp_path / "empty" / "also").mkdir(parents=True)
    with refused("empty: the folder holds no files"):
        expand(str(tmp_path / "empty"))
    touch(tmp_path, "other/notes.md", "other/b.pdf")
    with refused("none of the 2 files", r"\.fa", "b.pdf, notes.md", "give a glob"):
        expand(str(tmp_path / "other"), suffixes={".fa"})


def test_globs(tmp_path):
    touch(tmp_path, "x/a.fa.gz", "x/b.fa.gz", "y/deep/c.fa.gz", "y/d.gb")
    assert names(expand(f"{tmp_path}/x/*.fa.gz"), tmp_path) == ["x/a.fa.gz", "x/b.fa.gz"]
    assert names(expand(f"{tmp_path}/**/*.fa.gz"), tmp_path) == ["x/a.fa.gz", "x/b.fa.gz", "y/deep/c.fa.gz"]
    assert names(expand(f"{tmp_path}/[xy]"), tmp_path) == ["x/a.fa.gz", "x/b.fa.gz", "y/d.gb", "y/deep/c.fa.gz"]
    assert len(expand(f"{tmp_path}/**")) == 4
    with refused("no file matches"):
        expand(f"{tmp_path}/*.fasta")


def test_globs_name_each_file_once_through_links(tmp_path):
    touch(tmp_path, "data/a.fa", "data/sub/b.fa")
    (tmp_path / "data" / "loop").symlink_to(tmp_path / "data")
    (tmp_path / "data" / "self.fa").symlink_to(tmp_path / "data" / "self.fa")
    assert names(expand(f"{tmp_path}/data/**/*.fa"), tmp_path) == ["data/a.fa", "data/self.fa", "data/sub/b.fa"]
    with refused("self.fa: cannot be read"):
        open_source(tmp_path / "data" / "self.fa")


def test_a_name_with_brackets_is_a_name(tmp_path):
    touch(tmp_path, "a[1].fa")
    assert expand(str(tmp_path / "a[1].fa")) == [tmp_path / "a[1].fa"]


def test_missing_path(tmp_path):
    with refused("nowhere.fa: no such file or folder"):
        expand(str(tmp_path / "nowhere.fa"))
    with refused("a source is empty"):
        expand(" ")
