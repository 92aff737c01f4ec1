"""Values of libraries that authors use: figures, pictures and data frames, known by the library that their class comes from.

Nothing is imported here: a program that has such a value has imported its library.
"""

from __future__ import annotations

import io
from typing import Any, Dict, List, Optional

FIGURE_FORMATS = {
    "image/png": "png",
    "image/svg+xml": "svg",
    "application/pdf": "pdf",
    "image/jpeg": "jpg",
    "image/webp": "webp",
}
PICTURE_FORMATS = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/webp": "WEBP",
    "image/gif": "GIF",
    "image/tiff": "TIFF",
    "image/bmp": "BMP",
}


def _comes_from(value: Any, library: str, *names: str) -> bool:
    return any(
        each.__name__ in names and str(each.__module__).partition(".")[0] == library for each in type(value).__mro__
    )


def figure_of(value: Any) -> Optional[Any]:
    """The matplotlib figure that this is, or that these axes belong to."""
    if _comes_from(value, "matplotlib", "Figure"):
        return value
    if _comes_from(value, "matplotlib", "Axes", "_AxesBase"):
        return value.get_figure()
    return None


def is_picture(value: Any) -> bool:
    """Whether this is an image of Pillow's."""
    return _comes_from(value, "PIL", "Image")


def is_pandas(value: Any, kind: str) -> bool:
    return _comes_from(value, "pandas", kind)


def is_polars(value: Any, kind: str) -> bool:
    return _comes_from(value, "polars", kind)


def is_frame(value: Any) -> bool:
    return is_pandas(value, "DataFrame") or is_polars(value, "DataFrame")


def is_series(value: Any) -> bool:
    return is_pandas(value, "Series") or is_polars(value, "Series")


def is_missing(value: Any) -> bool:
    """Whether this is pandas' ``NA`` or ``NaT``: nothing, where a value of any type could be."""
    return type(value).__name__ in ("NAType", "NaTType") and str(type(value).__module__).startswith("pandas.")


def draw(figure: Any, media_type: str) -> Optional[bytes]:
    """The figure as a picture; nothing where matplotlib does not draw this kind."""
    form = FIGURE_FORMATS.get(media_type)
    if form is None:
        return None
    content = io.BytesIO()
    figure.savefig(content, format=form, bbox_inches="tight")
    return content.getvalue()


def save(picture: Any, media_type: str) -> Optional[bytes]:
    """Pillow's image as a file; nothing where it does not write this kind."""
    form = PICTURE_FORMATS.get(media_type)
    if form is None:
        return None
    content = io.BytesIO()
    picture.save(content, format=form)
    return content.getvalue()


def records_of(frame: Any) -> List[Dict[Any, Any]]:
    """A data frame, row by row. An index of pandas' that is more than the numbers of the rows becomes columns."""
    if is_polars(frame, "DataFrame"):
        rows: List[Dict[Any, Any]] = frame.to_dicts()
        return rows
    flat = frame if _has_plain_index(frame) else frame.reset_index()
    names = list(flat.columns)
    columns = [flat[name].tolist() if names.count(name) == 1 else None for name in names]
    if None in columns:
        raise ValueError(f"two columns are called {next(name for name in names if names.count(name) > 1)!r}")
    return [dict(zip(names, row)) for row in zip(*columns)] if columns else []


def csv_of(frame: Any) -> bytes:
    text: str = frame.write_csv() if is_polars(frame, "DataFrame") else frame.to_csv(index=not _has_plain_index(frame))
    return text.encode("utf-8")


def parquet_of(frame: Any) -> bytes:
    content = io.BytesIO()
    if is_polars(frame, "DataFrame"):
        frame.write_parquet(content)
    else:
        frame.to_parquet(content)
    return content.getvalue()


def _has_plain_index(frame: Any) -> bool:
    return type(frame.index).__name__ == "RangeIndex" and frame.index.name is None
