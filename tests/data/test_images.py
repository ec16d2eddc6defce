"""Images as they come: nothing that is damaged is read, and every mode becomes the same RGB."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tunewise.core.cache import FOLDER as CACHE
from tunewise.core.errors import InputError
from tunewise.data import images
from tunewise.data.embedded_world.scenes import DRAWN
from tunewise.data.images import (
    check_image,
    check_images,
    checked_image,
    image_bytes,
    name_of,
    open_image,
)

RED = (200, 30, 30)


def encoded(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    content = io.BytesIO()
    image.save(content, form, **options)
    return content.getvalue()


def plain(size: tuple[int, int] = (16, 8), mode: str = "RGB", colour: Any = RED) -> Image.Image:
    return Image.new(mode, size, colour)


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (b"", "is empty"),
        (b"no image at all", "no image in a format"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no image in a format"),
        (encoded(plain((64, 64)))[:-30], "is damaged"),
        (encoded(plain((64, 64)), "JPEG")[:-200], "is damaged"),
    ],
)
def test_what_is_no_whole_image_is_reported(content: bytes, wrong: str) -> None:
    assert wrong in str(check_image(content))
    with pytest.raises(InputError, match=wrong):
        open_image(content)


def test_an_enormous_image_is_refused_before_it_is_decoded() -> None:
    bomb = encoded(Image.new("1", (20_000, 20_000)))  # a few kilobytes
    assert len(bomb) < 100_000
    assert "more than 64,000,000 pixels" in str(check_image(bomb))


@pytest.mark.parametrize(
    "content",
    [
        encoded(plain()),
        encoded(plain(mode="RGBA", colour=(*RED, 255))),
        encoded(plain().convert("P", palette=Image.Palette.ADAPTIVE)),
        encoded(plain(), "GIF"),
        encoded(plain(), "BMP"),
        encoded(plain(), "WEBP", lossless=True),
    ],
)
def test_every_mode_becomes_the_same_rgb(content: bytes) -> None:
    opened = open_image(content)
    assert (opened.mode, opened.size) == ("RGB", (16, 8))
    assert opened.getpixel((3, 3)) == RED


def test_cmyk_and_grey_become_rgb() -> None:
    cyan = open_image(encoded(plain(mode="CMYK", colour=(255, 0, 0, 0)), "JPEG"))
    assert cyan.mode == "RGB"
    red, green, blue = cyan.getpixel((3, 3))  # type: ignore[misc]
    assert red < 20 and green > 200 and blue > 200
    assert open_image(encoded(plain(mode="L", colour=120))).getpixel((0, 0)) == (120, 120, 120)
    deep = Image.new("I;16", (4, 4), 0x7F00)
    assert open_image(encoded(deep)).getpixel((0, 0)) == (127, 127, 127)


def test_what_is_transparent_becomes_white() -> None:
    clear = encoded(plain(mode="RGBA", colour=(*RED, 0)))
    assert open_image(clear).getpixel((0, 0)) == (255, 255, 255)


def test_the_cameras_turn_is_undone() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by a quarter
    turned = encoded(plain((16, 8)), "JPEG", exif=exif)
    assert open_image(turned).size == (8, 16)


def test_a_path_may_lack_its_ending_and_a_wrong_one_is_reported(tmp_path: Path) -> None:
    content = encoded(plain())
    (tmp_path / "image3.jpg").write_bytes(content)  # a PNG under another ending
    assert image_bytes("image3", tmp_path) == content
    assert name_of(content).endswith(".png")
    with pytest.raises(InputError, match=r"Did you mean 'image3.jpg'"):
        image_bytes("image4.jpg", tmp_path)


def test_a_drawing_of_the_embedded_world_is_an_image() -> None:
    content = image_bytes(f"{DRAWN}7", Path())
    assert check_image(content) is None
    assert open_image(f"{DRAWN}7").size == (96, 64)


def test_a_name_is_of_the_content() -> None:
    assert name_of(encoded(plain())) == name_of(encoded(plain()))
    assert name_of(encoded(plain())) != name_of(encoded(plain(colour=(0, 0, 0))))


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[bytes]:
    """The contents that were decoded, in a cache of this test's own."""
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    real, seen = images.check_image, []

    def message(content: bytes) -> str | None:
        seen.append(content)
        return real(content)

    monkeypatch.setattr(images, "check_image", message)
    return seen


def test_images_that_were_whole_are_not_decoded_again(decoded: list[bytes]) -> None:
    both = {"a": encoded(plain()), "b": encoded(plain(), "JPEG")}
    for again in (both, both, {"c": both["b"], "d": both["a"]}):
        assert check_images(again) == {}
    assert len(decoded) == 2
    assert check_images(both | {"e": encoded(plain((3, 3)))}) == {}
    assert len(decoded) == 2 + 3  # another set of images is looked at whole


def test_a_damaged_image_is_reported_every_time(decoded: list[bytes]) -> None:
    content = {"whole": encoded(plain()), "cut": encoded(plain((64, 64)))[:-30]}
    for _ in range(2):
        wrong = check_images(content)
        assert {name: "is damaged" in message for name, message in wrong.items()} == {"cut": True}
    assert len(decoded) == 4


def test_images_are_checked_where_there_can_be_no_cache(
    decoded: list[bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(CACHE, str(tmp_path / "file"))
    for _ in range(2):
        assert check_images({"a": encoded(plain())}) == {}
    assert len(decoded) == 2


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("", "names no image"),
        ("  ", "names no image"),
        ("rooms", "rooms: is a folder, not an image"),
        ("rooms/Imag10.png", r"no such image. Did you mean 'image10.PNG'\? .*folder: 2\.$"),
        ("rooms/zzz", r"no such image. Images in that folder: 2\.$"),
        ("attic/a.png", "no such image. There is no folder .*attic"),
    ],
)
def test_a_reference_that_leads_nowhere_is_reported_with_what_lies_there(
    tmp_path: Path, reference: str, message: str
) -> None:
    (tmp_path / "rooms").mkdir()
    for name in ("image10.PNG", "b.jpg", "notes.txt"):
        (tmp_path / "rooms" / name).write_bytes(encoded(plain()))
    for read in (
        lambda: image_bytes(reference, tmp_path),
        lambda: checked_image(reference, [tmp_path / "rooms", tmp_path]),
    ):
        with pytest.raises(InputError, match=message):
            read()


def png(pixels: bytes, *, interlaced: int = 0) -> bytes:
    """A PNG of 100 x 100 with sound chunks and a sound stream of these bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        ends = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", ends)

    size = struct.pack(">IIBBBBB", 100, 100, 8, 2, 0, 0, interlaced)
    ends = chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + ends


@pytest.mark.parametrize("fraction", [0.01, 0.05, 0.5, 0.99, 0.9999])
def test_a_png_that_lacks_pixels_is_not_whole(fraction: float) -> None:
    row = b"\0" + b"\xff" * 300
    # of the seven passes: 13, 13, 13, 25, 25, 50 and 50 rows, each with its filter byte
    for pixels, interlaced in ((row * 100, 0), (bytes(30_000 + 189), 1)):
        assert check_image(png(pixels, interlaced=interlaced)) is None
        short = png(pixels[: int(fraction * len(pixels))], interlaced=interlaced)
        assert "is damaged" in str(check_image(short))


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "I;16"])
@pytest.mark.parametrize("size", [(1, 1), (3, 7), (100, 33), (257, 1)])
def test_every_png_that_pillow_writes_is_whole(mode: str, size: tuple[int, int]) -> None:
    page = io.BytesIO()
    Image.new(mode, size).save(page, "PNG")
    assert check_image(page.getvalue()) is None
