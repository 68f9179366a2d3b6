"""The folders, their import names, and what gets installed.

The mapping of folders to `understudy` is our own, so no packaging tool notices a folder it was not told about: the
source would pass its tests and the wheel would lack the folder.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from pathlib import Path

from tests.house.tree import FOLDERS, ROOT, modules, product_files, pyproject

SPEC = importlib.util.find_spec("understudy")
INSTALLED = Path(str(SPEC and SPEC.origin)).parent


def installed_path(file: Path) -> Path:
    """Where a product file is in the installed package."""
    folder, *rest = file.relative_to(ROOT).parts
    return INSTALLED.joinpath(*FOLDERS[folder].split(".")[1:], *rest)


def test_every_folder_with_an_init_file_is_a_listed_package() -> None:
    listed = pyproject()["tool"]["setuptools"]["packages"]
    folders = {module.name for module in modules() if module.is_package}
    assert sorted(listed) == sorted(folders), "keep [tool.setuptools] packages in pyproject.toml equal to the folders"


def test_every_folder_with_python_files_has_an_init_file() -> None:
    folders = {file.parent for file in product_files() if file.suffix == ".py"}
    assert [folder for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


def test_each_root_folder_is_mapped_to_its_import_name() -> None:
    mapping: dict[str, str] = pyproject()["tool"]["setuptools"]["package-dir"]
    assert {folder: name for name, folder in mapping.items()} == FOLDERS


def test_no_folder_at_the_root_shadows_the_installed_package() -> None:
    assert not (ROOT / "understudy").exists()
    assert not (ROOT / "understudy.py").exists()


def test_every_file_of_the_product_is_installed_as_it_stands() -> None:
    stale = [
        str(file.relative_to(ROOT))
        for file in product_files()
        if not installed_path(file).is_file() or installed_path(file).read_bytes() != file.read_bytes()
    ]
    assert stale == [], f"not in {INSTALLED}, or old there; data files need a row in [tool.setuptools.package-data]"


def test_nothing_is_installed_that_the_source_does_not_have() -> None:
    expected = {installed_path(file) for file in product_files()}
    found = {file for file in INSTALLED.rglob("*") if file.is_file() and "__pycache__" not in file.parts}
    assert sorted(str(file.relative_to(INSTALLED)) for file in found - expected) == []


def test_the_installed_package_says_that_it_is_typed() -> None:
    assert (INSTALLED / "py.typed").is_file()


def test_the_version_is_said_once() -> None:
    assert importlib.metadata.version("understudy") == pyproject()["project"]["version"]


def test_each_folder_is_found_under_its_import_name() -> None:
    names = {module.name for module in modules() if module.is_package}
    assert [name for name in sorted(names) if importlib.util.find_spec(name) is None] == []
