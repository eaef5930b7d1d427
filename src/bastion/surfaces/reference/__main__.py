"""Main: `python -m bastion.surfaces.reference` writes every generated file of the repository it stands in."""

import argparse
from pathlib import Path

from bastion.surfaces.cli.view import emit
from bastion.surfaces.reference.pages import made


def main() -> None:
    """Write every file whose text differs from what the code makes, and name it."""
    parser = argparse.ArgumentParser(prog="python -m bastion.surfaces.reference", description=__doc__)
    parser.add_argument("root", type=Path, help="the repository")
    root: Path = parser.parse_args().root
    for name, text in made().items():
        file = root / name
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            emit(f"wrote {name}")


if __name__ == "__main__":
    main()
