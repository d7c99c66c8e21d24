"""The documents as files, which any web server, or none, can show."""

from pathlib import Path

from daycount.docsite.api import ApiDocument
from daycount.docsite.documents import list_documents
from daycount.docsite.rendering import API, STYLE, read_style, render_api, render_index, render_list, render_page, render_resource


def build(folder: Path, api: ApiDocument) -> None:
    """Write all pages, their twins, those of the API, the style sheet and the list into a folder; what else stands there stays."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / STYLE).write_bytes(read_style())
    (folder / "index.html").write_text(render_index(root=".", ending=".html"), encoding="utf-8")
    (folder / "llms.txt").write_text(render_list(root="."), encoding="utf-8")
    for document in list_documents():
        target = folder / f"{document.path}.html"
        target.parent.mkdir(exist_ok=True)
        target.write_text(render_page(document, root="..", ending=".html"), encoding="utf-8")
        target.with_suffix(".md").write_text(document.text, encoding="utf-8")
    (folder / f"{API}.html").write_text(render_api(api, root=".", ending=".html"), encoding="utf-8")
    for tag in api.resources:
        target = folder / API / f"{tag}.html"
        target.parent.mkdir(exist_ok=True)
        target.write_text(render_resource(api, tag, root="..", ending=".html") or "", encoding="utf-8")
