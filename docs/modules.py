"""Write docs/modules.md: every module with what its own first line says it is, room by room.

Usage: ``python docs/modules.py [FILE]`` (``make docs``).
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("scraper", "storage", "jobs")
HEAD = """# Every module

What each file is for, in its own first line; made by `make docs`. How they hang together is in
[architecture](architecture.md), and which may import which in `pyproject.toml`, `[tool.importlinter]`.
"""


def page() -> str:
    """The text of docs/modules.md."""
    parts = [HEAD]
    for room in ROOMS:
        folders: dict[Path, list[str]] = {}
        for file in sorted((ROOT / room).rglob("*.py")):
            told = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
            name = file.parent.name + "/" if file.name == "__init__.py" else file.name
            first = " ".join(told.partition("\n\n")[0].split())
            folders.setdefault(file.parent.relative_to(ROOT), []).append(f"- `{name}`: {first}\n")
        for folder, lines in folders.items():
            parts.append(f"\n## `{folder}/`\n\n" + "".join(lines))
    return "".join(parts)


if __name__ == "__main__":
    Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "docs" / "modules.md").write_text(page(), encoding="utf-8")
