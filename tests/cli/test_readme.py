from pathlib import Path

from coreset_lib.cli import app

README = Path(__file__).parents[2] / "README.md"


def test_every_command_stands_in_the_readme():
    text = README.read_text()
    names = [command.name for command in app.registered_commands]
    for group in app.registered_groups:
        commands = group.typer_instance.registered_commands
        names += [f"{group.typer_instance.info.name} {command.name}" for command in commands]
    assert len(names) > 15
    assert [name for name in names if f"`coreset-lens {name}" not in text] == []


def test_every_page_that_the_readme_links_to_is_there():
    import re

    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README.read_text())
    assert links
    assert [link for link in links if not (README.parent / link).exists()] == []
