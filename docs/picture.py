"""Draws docs/demo.jpg, the picture in the README: what `cupola demo` prints, and four posts as its archive holds them.

    cupola demo | tee demo-archive/printed.txt && python docs/picture.py demo-archive docs/demo.jpg

Needs Chromium. The terminal is the command's own output; texts and pictures are read from the archive.
"""

from __future__ import annotations

import html
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops

BIN = Path(sys.executable).parent
POSTS = 4
_STYLE = """
body { margin: 0; width: 1240px; background: #0b1020; color: #dde4f2; font: 15px/1.45 "DejaVu Sans", sans-serif; }
main { padding: 28px; display: grid; gap: 22px; }
pre { margin: 0; padding: 18px 22px; background: #060914; border-radius: 12px; border: 1px solid #26304d;
      font: 13.5px/1.35 "DejaVu Sans Mono", monospace; }
pre b { color: #8fd3ff; font-weight: normal; }
section { display: grid; grid-template-columns: 1fr 1fr; gap: 22px; }
article { background: #131a30; border-radius: 12px; overflow: hidden; border: 1px solid #26304d; }
img { display: block; width: 100%; height: 250px; object-fit: cover; }
div { display: grid; grid-template-columns: 1fr 1fr; gap: 18px; padding: 14px 18px 6px; }
p { margin: 0 0 8px; }
p::before { content: attr(lang); display: block; font-size: 11px; letter-spacing: 1px; color: #7d8bb0;
            text-transform: uppercase; }
footer { padding: 0 18px 14px; color: #7d8bb0; font-size: 12px; }
"""


def posts(config: Path) -> list[dict[str, Any]]:
    """The posts to show: in both languages, neither long, with a picture held; one a scene, newest first."""
    command = [str(BIN / "cupola"), "query", "--config", str(config), "--source", "aurore-gallery", "--format", "jsonl"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    found = []
    for post in map(json.loads, lines):
        captions = post["captions"]
        both = captions["fr"] and captions["en"] and len(captions["fr"]) < 230
        if both and post["media"] and post["media"][0]["path"] and not post["title"]:
            found.append(post)
    return found


def card(post: dict[str, Any], folder: Path) -> str:
    """One post as HTML; its picture is the archive's own file."""
    captions, media = post["captions"], post["media"][0]
    texts = "".join(f'<p lang="{lang}">{html.escape(captions[lang])}</p>' for lang in ("fr", "en"))
    facts = " · ".join(html.escape(str(fact)) for fact in (post["published_at"], post["credit"], post["key"]))
    return (
        f'<article><img src="{(folder / media["path"]).as_uri()}"><div>{texts}</div><footer>{facts}</footer></article>'
    )


def main() -> None:
    """Draw the picture."""
    folder, target = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    terminal = (folder / "printed.txt").read_text(encoding="utf-8") if (folder / "printed.txt").exists() else ""
    chosen = posts(folder / "config.yaml")
    cards = "".join(card(post, folder) for post in chosen[:: max(1, len(chosen) // POSTS)][:POSTS])
    shown = html.escape(terminal).replace("$ cupola", "<b>$</b> cupola")
    page = f"<!doctype html><meta charset='utf-8'><style>{_STYLE}</style>"
    page += f"<main><pre>{shown}</pre><section>{cards}</section></main>"
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "page.html"
        path.write_text(page, encoding="utf-8")
        browser = shutil.which("chromium") or shutil.which("chromium-browser") or "google-chrome"
        options = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--disable-background-networking",
        ]
        options += [f"--user-data-dir={scratch}/profile", "--window-size=1240,2000", f"--screenshot={scratch}/page.png"]
        subprocess.run([browser, *options, path.as_uri()], check=True, capture_output=True)
        with Image.open(Path(scratch) / "page.png") as shot:
            drawn = shot.convert("RGB")
    # the window is taller than the page: what is below it is the background and no more
    ground = Image.new("RGB", drawn.size, drawn.getpixel((2, drawn.height - 2)))
    bottom = ImageChops.difference(drawn, ground).getbbox()[3]
    drawn.crop((0, 0, drawn.width, bottom + 28)).save(target, quality=86, optimize=True)


if __name__ == "__main__":
    main()
