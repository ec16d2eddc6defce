"""Images: found, checked before anything is trained on them, and opened the same way everywhere.

A image is never repaired: what is cut off, empty or not an image is an error with its path.
Other color modes are turned into RGB by rule, and the camera's turn is undone. No torch.
"""

from __future__ import annotations

import hashlib
import io
import warnings
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path

import PIL
from PIL import Image, ImageOps, UnidentifiedImageError

from tunewise.core.cache import cache_folder
from tunewise.core.errors import InputError, Problem
from tunewise.core.files import write_json
from tunewise.core.paths import path_from
from tunewise.data.embedded_world.drawings import drawing
from tunewise.data.embedded_world.scenes import DRAWN, scene
from tunewise.data.locate import out_of_reach
from tunewise.data.png_rows import lacks_rows

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")  # a GIF counts by its first frame
MOST_PIXELS = 64_000_000  # 8,000 x 8,000: more is a mistake, or an attack by decompression
ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif")


def image_bytes(reference: str, base: Path) -> bytes:
    """The file that a reference means: a path from `base`, or a drawing of the embedded world.

    A name without an ending may be that of an image with one.

    Raises:
        InputError: there is no such file.
    """
    if reference.startswith(DRAWN):
        drawn = io.BytesIO()
        drawing(scene(int(reference.removeprefix(DRAWN)))).save(drawn, "PNG")
        return drawn.getvalue()
    return _located(reference, [base]).read_bytes()


def checked_image(reference: str, bases: Sequence[Path]) -> str:
    """The path of a whole image, from the first base where it is; else as `image_bytes`.

    Raises:
        InputError: there is no such file, or it is no whole image.
    """
    place = reference if reference.startswith(DRAWN) else str(_located(reference, bases))
    if wrong := check_image(image_bytes(place, Path())):
        raise InputError(f"{reference}: {wrong}")
    return place


def _located(reference: str, bases: Sequence[Path]) -> Path:
    if not reference.strip():
        raise InputError("names no image.")
    paths = [path_from(base, reference) for base in bases]
    if barred := next((reason for path in paths if (reason := out_of_reach(path))), None):
        raise InputError(f"{reference[:80]}: cannot be read ({barred}).")
    tried = (Path(f"{path}{ending}") for path in paths for ending in ("", *ENDINGS))
    tried = (path for path in tried if out_of_reach(path) is None)
    found, path = next((path for path in tried if path.is_file()), None), paths[-1]
    if found is None and (folder := next((path for path in paths if path.is_dir()), None)):
        raise InputError(f"{folder}: is a folder, not an image.")
    if found is None:
        raise InputError(f"{path}: no such image. {_alike(path)}")
    return found


def _alike(path: Path) -> str:
    """The nearest name beside a path where nothing lies; a folder may hold thousands."""
    if not path.parent.is_dir():
        return f"There is no folder {path.parent}."
    names = (entry.name for entry in path.parent.iterdir())
    there = {name.lower(): name for name in names if name.lower().endswith(ENDINGS)}
    close = get_close_matches(path.name.lower(), sorted(there), n=1)
    found = f"Did you mean '{there[close[0]]}'? " if close else ""
    return f"{found}Images in that folder: {len(there):,}."


def check_images(contents: Mapping[str, bytes]) -> dict[str, str]:
    """What is wrong with those that are no whole images, by their names. Reads all of each.

    Images that were all found whole once are not decoded again: a note in the user's cache, named
    by their contents and by what decodes them, says so.
    """
    known = hashlib.sha256(f"{PIL.__version__} {FORMATS} {MOST_PIXELS} rows of PNG".encode())
    for one in sorted({hashlib.sha256(content).digest() for content in contents.values()}):
        known.update(one)
    note = cache_folder() / "pictures" / f"{known.hexdigest()[:32]}.json"
    if note.is_file():
        return {}
    found = {name: check_image(content) for name, content in contents.items()}
    wrong = {name: reason for name, reason in found.items() if reason}
    if not wrong:
        with suppress(OSError):  # there can be no cache
            write_json(note, {"whole": len(contents)})
    return wrong


def check_image(content: bytes) -> str | None:
    """What is wrong with an image, in words, or None. Reads all of it."""
    found = _decoded(content)
    return found if isinstance(found, str) else None


def open_image(source: str | bytes) -> Image.Image:
    """A image in RGB, upright.

    Palettes, gray and CMYK become RGB; what is transparent becomes white.

    Raises:
        InputError: it is no whole image.
    """
    found = _decoded(source if isinstance(source, bytes) else image_bytes(source, Path()))
    if isinstance(found, str):
        raise InputError([Problem("the image" if isinstance(source, bytes) else source, found)])
    return in_rgb(ImageOps.exif_transpose(found))


def _decoded(content: bytes) -> Image.Image | str:
    """The image, or what is wrong with it, in words."""
    if not content:
        return "is empty (0 bytes)."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content), formats=FORMATS)
            if image.width * image.height > MOST_PIXELS:
                raise Image.DecompressionBombError
            image.verify()  # checksums; the image must be opened again after it
            image = Image.open(io.BytesIO(content), formats=FORMATS)
            image.load()  # a file that was cut off fails here
            if image.format == "PNG" and lacks_rows(content):
                raise OSError("its pixel data ends before the last row")
        return image
    except UnidentifiedImageError:
        return f"is no image in a format that is read ({', '.join(FORMATS)})."
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return f"has more than {MOST_PIXELS:,} pixels."
    except (OSError, ValueError, SyntaxError, KeyError, IndexError, zlib.error) as error:
        return f"is damaged ({error})."


def in_rgb(image: Image.Image) -> Image.Image:
    """The image in RGB, on white where it is transparent."""
    if image.has_transparency_data:
        above = image.convert("RGBA")
        white = Image.new("RGBA", above.size, "white")
        return Image.alpha_composite(white, above).convert("RGB")
    if image.mode.startswith("I;16"):  # sixteen bits of gray: the upper eight
        image = image.point(lambda value: value / 256).convert("L")
    return image.convert("RGB")


def name_of(content: bytes) -> str:
    """A image's name by its content, with an ending that tells its format."""
    with Image.open(io.BytesIO(content), formats=FORMATS) as image:
        ending = str(image.format).lower().replace("jpeg", "jpg")
    return f"{hashlib.sha256(content).hexdigest()[:32]}.{ending}"
