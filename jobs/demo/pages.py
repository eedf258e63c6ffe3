"""The site's HTML: a gallery in the manner of esa.int, a profile in the manner of Mastodon, a front page."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from html import escape

from jobs.demo.content import Account, GalleryPage, GalleryPicture, Status
from jobs.demo.mission import DemoMission
from jobs.demo.timeline import marked_up, media_paths

_STYLE = """
:root{color-scheme:dark}
*{box-sizing:border-box}
body{margin:0;background:#0a1020;color:#dfe6f2;font:17px/1.6 system-ui,-apple-system,"Segoe UI",sans-serif}
a{color:#8fc7ff;text-decoration:none}a:hover{text-decoration:underline}
img{display:block;width:100%;height:auto;border-radius:6px}
main{max-width:1120px;margin:0 auto;padding:0 24px 64px}
header{background:linear-gradient(#003247,#0a1020);padding:28px 24px 8px}
header>*{max-width:1072px;margin:0 auto}
h1,h2.heading{font-weight:300;font-size:2.2rem;line-height:1.2;margin:.2em auto}
.meta{color:#8ea3bd;font-size:.85rem}.meta span{margin-right:1.5em}
.modal__tab-description{max-width:46em;margin:24px 0}
.modal__meta{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:6px 28px;font-size:.85rem;color:#8ea3bd}
.modal__meta i::before{content:attr(title);font-style:normal;font-weight:600;color:#c3d3e8;margin-right:.5em}
.gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(310px,1fr));gap:32px 24px;margin-top:40px}
figure{margin:0}figcaption{font-size:.92rem}figcaption p{margin:.5em 0}
.label{display:block;margin-top:10px;font-size:.7rem;letter-spacing:.08em;text-transform:uppercase;color:#6f86a3}
.credit{color:#8ea3bd;font-size:.8rem}
.dropdown,.modal__share{font-size:.75rem;color:#6f86a3}.dropdown a{margin-right:1em}
.status{max-width:600px;margin:0 auto;padding:20px 0;border-bottom:1px solid #1d2a44}
.status .media{display:grid;grid-template-columns:repeat(auto-fit,minmax(240px,1fr));gap:6px}
.invisible{font-size:0;line-height:0;display:inline-block;width:0;height:0;position:absolute}
.ellipsis::after{content:"…"}
footer{max-width:1120px;margin:0 auto;padding:24px;color:#6f86a3;font-size:.8rem}
"""
_NOTICE = (
    "Tout est inventé ici : la mission, les gens, les mots, les images. Un site d’essai de Cupola. · "
    "Everything here is invented: the mission, the people, the words, the pictures. A test site of Cupola."
)


def _document(title: str, lang: str, body: str, head: str = "") -> str:
    return (
        f'<!DOCTYPE html>\n<html lang="{lang}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
        f"{head}<style>{_STYLE}</style>\n</head>\n<body>\n{body}\n<footer>{_NOTICE}</footer>\n</body>\n</html>\n"
    )


def front_page(demo: DemoMission) -> str:
    """The way to the two places."""
    return _document(
        "Mission Aurore",
        "en",
        f"<header><h1>Mission {escape(demo.mission.name)}</h1></header>\n<main>\n"
        f'<p><a href="{demo.page.address}">{escape(demo.page.title)}</a>: the gallery</p>\n'
        f'<p><a href="/@{demo.account.username}">@{demo.account.username}</a>: the timeline</p>\n</main>',
    )


def gallery_paths(picture: GalleryPicture | GalleryPage) -> tuple[str, str]:
    """The paths of a gallery picture's large file and of the reduced one that the page shows."""
    folder = f"/var/esa/storage/images/esa_multimedia/images/2025/06/{picture.name.lower()}/{picture.id}-1-eng-GB"
    return f"{folder}/{picture.name}.jpg", f"{folder}/{picture.name}_pillars.jpg"


def _day(day: date) -> str:
    return day.strftime("%d/%m/%Y")


def _figure(picture: GalleryPicture) -> str:
    large, shown = gallery_paths(picture)
    *caption, credit = picture.caption.split("\n")
    lines = "".join(f"    <p>{escape(line, quote=False)}</p>\n" for line in caption)
    return (
        f'<figure class="gallery__item">\n'
        f'  <a href="{large}"><img src="{shown}" width="640" alt="" loading="lazy"></a>\n'
        f'  <figcaption>\n    <span class="label">Image caption</span>\n{lines}'
        f'    <p class="credit">{escape(credit, quote=False)}</p>\n  </figcaption>\n'
        f'  <div class="dropdown"><a class="dropdown__item" href="{large}" title="HI-RES JPG">HI-RES JPG</a></div>\n'
        "</figure>\n"
    )


def gallery_page(page: GalleryPage, gallery: Iterable[GalleryPicture], base: str) -> str:
    """The page with all its pictures; only ``og:image`` holds the host, as on the real site."""
    large, shown = gallery_paths(page)
    text = "\n".join(f"      <p>{escape(paragraph, quote=False)}</p>" for paragraph in page.introduction)
    facts = "\n".join(
        f'      <li><span><i class="icon" title="{escape(key)}"></i></span> <span>{escape(value)}</span></li>'
        for key, value in page.metadata
    )
    head = (
        f'<meta property="og:title" content="{escape(page.title)}">\n'
        f'<meta property="og:image" content="{base}{shown}">\n<link rel="canonical" href="{base}{page.address}">\n'
    )
    body = f"""<div class="modal">
<header class="modal__header">
  <h2 class="heading">{escape(page.title)}</h2>
  <div class="meta"><span>{_day(page.day)}</span><span>4080 views</span><span>16 likes</span></div>
</header>
<main>
  <div class="modal__image"><img src="{shown}" alt="{escape(page.medium.alt or "")}"></div>
  <div class="modal__share"><a class="btn ezsr-star-rating-enabled" id="ezsr_{page.id}_1">Like</a></div>
  <div id="modal__tab-content--details">
    <div class="modal__tab-description">
{text}
    </div>
    <ul class="modal__meta">
{facts}
    </ul>
    <div class="dropdown"><a class="dropdown__item" href="{large}" title="HI-RES JPG">HI-RES JPG</a></div>
  </div>
  <section class="gallery">
{"".join(_figure(picture) for picture in gallery)}  </section>
</main>
</div>"""
    return _document(f"ESA-style page - {page.title}", "en", body, head)


def _article(status: Status, account: Account) -> str:
    pictures = ""
    for position, medium in enumerate(status.media):
        original, small = media_paths(status, position)
        pictures += f'<a href="{original}"><img src="{small}" alt="{escape(medium.alt or "")}" loading="lazy"></a>'
    warning = f"<p><strong>{escape(status.warning)}</strong></p>" if status.warning else ""
    return (
        f'<article class="status">\n<div class="meta"><span>{escape(account.display_name)}</span>'
        f'<a href="/@{account.username}/{status.id}">{status.at:%d/%m/%Y %H:%M} UTC</a></div>\n'
        f'{warning}{marked_up(status.text, "")}\n<div class="media">{pictures}</div>\n</article>\n'
    )


def profile_page(account: Account, statuses: Iterable[Status]) -> str:
    """The account's own posts for a browser, in the order given."""
    body = (
        f"<header><h1>{escape(account.display_name)}</h1>"
        f'<div class="meta"><span>@{account.username}</span></div>{marked_up(account.note, "")}</header>\n'
        f"<main>\n{''.join(_article(status, account) for status in statuses)}</main>"
    )
    return _document(f"{account.display_name} (@{account.username})", "fr", body)
