"""Hooks for MkDocs: add pages from outside of docs/ to the site, and rewrite links that leave docs/.

README.md is the site's first page. Links in it, and links from docs/ to files beside docs/, are rewritten: to a page of
the site where there is one, else to the file in the repository (``repo_url``), or to its name where that is not set.
"""  # noqa: INP001 - a hook of MkDocs

from __future__ import annotations

import posixpath
import re
import runpy
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "vulnerabilities.md",
    "CHANGELOG.md": "changelog.md",
}
"""Pages at the repository's root, and where the site has them."""
_SOURCE = re.compile(r"docs/|infra/(?=runbooks/)")
"""The folders that pages of the site come from; docs/runbooks is a link to infra/runbooks."""
_HOME = {site: repository for repository, site in PAGES.items()}
_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|mailto:|#)([^)\s#]+)(#[^)\s]*)?\)")
_for_mkdocs = runpy.run_path(str(Path(__file__).with_name("site_lists.py")))["for_mkdocs"]
_CODE = re.compile(r"<pre.*?</pre>|<code.*?</code>", re.DOTALL)
_RUN_IN = re.compile(r"^(?:<p>)?(?:(?:\d+\.|[-*+]) |(?:export|gcloud|kubectl|setpoint|terraform) ).*", re.MULTILINE)
"""A list or a command that the site would show as text."""
_LOADED = re.compile(
    r"<(?:script|img|iframe)[^>]*\ssrc=[\"']?https?:|<link[^>]*rel=[\"']?stylesheet[^>]*href=[\"']?https?:"
)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the repository's root."""
    for repository, site in PAGES.items():
        files.append(File.generated(config, site, content=(ROOT / repository).read_text()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Rewrite the links of a page that lead out of docs/."""
    here = page.file.src_uri
    origin = _HOME.get(here) or (ROOT / "docs" / here).resolve().relative_to(ROOT).as_posix()

    def rewritten(link: re.Match[str]) -> str:
        image, text, path, anchor = link[1], link[2], link[3], link[4] or ""
        target = posixpath.normpath(posixpath.join(posixpath.dirname(origin), path))
        if not (ROOT / target).exists():
            message = f"{origin}: no file {target}"
            raise PluginError(message)
        site = PAGES.get(target) or _SOURCE.sub("", target)
        if site in _HOME or (_SOURCE.match(target) and files.get_file_from_path(site)):
            return f"{image}[{text}]({posixpath.relpath(site, posixpath.dirname(here) or '.')}{anchor})"
        return f"[{text}]({config.repo_url.rstrip('/')}/blob/main/{target}{anchor})" if config.repo_url else text

    return _LINK.sub(rewritten, _for_mkdocs(markdown))


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> None:  # noqa: ARG001 - MkDocs' names
    """Refuse a page on which a list or a command has become text."""
    if run_in := _RUN_IN.search(_CODE.sub("", html)):
        message = f"{page.file.src_uri}: not shown as a list or as code: {run_in[0]}"
        raise PluginError(message)


def on_post_build(config: MkDocsConfig) -> None:
    """Refuse a site that loads anything from another host."""
    for page in Path(config.site_dir).rglob("*.html"):
        if loaded := _LOADED.search(page.read_text()):
            message = f"{page.name} loads from another host: {loaded[0]}"
            raise PluginError(message)
