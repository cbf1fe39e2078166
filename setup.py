"""Where the parts of the program stand in a wheel; everything else is in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

OURS = ("dashboard", "pages")
PLACE = Path("coreset_lib", "_app")


class BuildInside(build_py):
    """Put the dashboard inside the library.

    Side by side with it, as in the sources, it would be mistaken for a `dashboard` or `pages`
    package of somebody else, and each would overwrite the other's files.
    """

    def run(self) -> None:
        """Copy the packages, then move the dashboard; an editable installation copies nothing."""
        super().run()
        if self.editable_mode:
            return
        place = Path(self.build_lib) / PLACE
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        for name in OURS:
            shutil.move(Path(self.build_lib) / name, place / name)


setup(cmdclass={"build_py": BuildInside})
