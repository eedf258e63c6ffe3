"""The bytes of pictures that go along with an export: each file once, checked against its hash on the way."""

from __future__ import annotations

from storage.export.formats import Export
from storage.export.items import Picture
from storage.export.place import Place


def put(place: Place, export: Export, key: str, picture: Picture, below: str = "") -> bool:
    """Copy a picture's file into a folder under the path that it has in the archive, unless it is there already.

    One that is not held is left out; one that should be held and is not, or whose bytes are others, is told in
    ``export.missing`` and left out. ``key`` is the post's, ``below`` a folder of the place, with ``/`` at its end.

    Returns:
        Whether the file is there now.

    Raises:
        OSError: the disk of the export is at fault.
    """
    if picture.path is None:
        return False
    target = place.inside(below + picture.path)
    if target.exists():
        return True
    source = export.folder / picture.path
    try:
        source.open("rb").close()
    except OSError as error:
        export.missing.append(f"{key}: the picture {picture.path} cannot be read ({error.strerror}); see cupola verify")
        return False
    copied = place.add(source, below + picture.path)
    if copied.sha256 != picture.sha256:
        target.unlink()
        export.missing.append(f"{key}: the picture {picture.path} is damaged, its hash is another; see cupola verify")
        return False
    return True
