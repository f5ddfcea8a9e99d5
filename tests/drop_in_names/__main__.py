"""Writes the sections into `docs/coming_from_kaolin.md` and `docs/coming_from_pytorch3d.md`."""

from pathlib import Path

from . import PACKAGES, with_section


def main() -> None:
    for package in PACKAGES:
        page = Path("docs", f"coming_from_{package}.md")
        page.write_text(with_section(page.read_text(encoding="utf-8"), package), encoding="utf-8")


if __name__ == "__main__":
    main()
