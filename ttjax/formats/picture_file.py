"""Pictures and maps of numbers as JPEG and PNG, read with care.

OpenCV fills up what a damaged file lacks; here such a file is an error.
"""

import struct
import zlib

import numpy as np
from jaxtyping import UInt8, UInt16

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
PACKING = 4
"""Effort of PNG's compression, 0 to 9."""


class PictureError(ValueError):
    """A file that is no whole JPEG or PNG, or holds something else than it should."""


def decode_rgb(data: bytes, of: str) -> UInt8[np.ndarray, "h w 3"]:
    """The picture of a JPEG or PNG, as it is stored; `of` names it in errors.

    Raises:
        PictureError: it is damaged, or neither.
    """
    import cv2

    check_whole(data, of)
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    return np.asarray(_decoded(data, flags, of), np.uint8)


def decode_map(data: bytes, of: str) -> UInt8[np.ndarray, "h w"]:
    """The numbers of a grey PNG of 8 bits.

    Raises:
        PictureError: it is damaged, or something else.
    """
    return _decoded_map(data, np.dtype(np.uint8), of)


def decode_map16(data: bytes, of: str) -> UInt16[np.ndarray, "h w"]:
    """The numbers of a grey PNG of 16 bits.

    Raises:
        PictureError: it is damaged, or something else.
    """
    return _decoded_map(data, np.dtype(np.uint16), of)


def encode_png(picture: np.ndarray) -> bytes:
    """RGB `[h, w, 3]` of 8 bits, or a map `[h, w]` of 8 or 16, without loss.

    Raises:
        ValueError: OpenCV cannot write such an array.
    """
    import cv2

    stored = picture[..., ::-1] if picture.ndim == 3 else picture
    options = [cv2.IMWRITE_PNG_COMPRESSION, PACKING]
    done, data = cv2.imencode(".png", np.ascontiguousarray(stored), options)
    if not done:
        raise ValueError(f"OpenCV cannot write an array {picture.shape} as PNG.")
    return data.tobytes()


def check_whole(data: bytes, of: str) -> None:
    """Checks the ends of a JPEG, the parts of a PNG and their checksums.

    Raises:
        PictureError: it is damaged, or neither.
    """
    if data.startswith(_PNG):
        if not _png_is_whole(data):
            raise PictureError(
                f"A PNG is whole and has the checksums that it says, {of} "
                f"({len(data)} bytes) has not: fetch it again."
            )
    elif data.startswith(_JPEG):
        if data.rfind(_JPEG_END) < len(data) // 2:
            raise PictureError(
                f"A JPEG has an end, {of} ({len(data)} bytes) has none: fetch it again."
            )
    else:
        raise PictureError(
            f"Pictures are JPEG or PNG, {of} ({len(data)} bytes) is neither: fetch it "
            "again."
        )


def _png_is_whole(data: bytes) -> bool:
    at = len(_PNG)
    while at + 12 <= len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        end = at + 8 + length
        if end + 4 > len(data):
            return False
        (stated,) = struct.unpack(">I", data[end : end + 4])
        if zlib.crc32(data[at + 4 : end]) != stated:
            return False
        if data[at + 4 : at + 8] == b"IEND":
            return True
        at = end + 4
    return False


def _decoded(data: bytes, flags: int, of: str) -> np.ndarray:
    import cv2

    image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if image is None:
        raise PictureError(
            f"Pictures are JPEG or PNG, {of} ({len(data)} bytes) cannot be decoded: "
            "fetch it again."
        )
    return np.asarray(image)


def _decoded_map(data: bytes, kind: np.dtype, of: str) -> np.ndarray:
    import cv2

    check_whole(data, of)
    found = _decoded(data, cv2.IMREAD_UNCHANGED, of)
    if found.ndim != 2 or found.dtype != kind:
        raise PictureError(
            f"Maps are grey PNGs of {8 * kind.itemsize} bits, {of} has the shape "
            f"{found.shape} and {8 * found.dtype.itemsize} bits: save it without "
            "conversion."
        )
    return found
