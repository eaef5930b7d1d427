"""Pages: every file of the repository that is made from the code, by its path."""

from bastion.surfaces.mcp_server import reference as mcp
from bastion.surfaces.reference import answers, cli, completion, figures, manual, refusals, settings
from bastion.surfaces.rest import document
from bastion.surfaces.rest import reference as rest


def made() -> dict[str, str]:
    """Return the text of every generated file by its path from the repository's root."""
    pages = {
        "docs/reference/cli.md": cli.page(),
        "docs/reference/config.md": settings.page(),
        "docs/reference/errors.md": refusals.page(),
        "docs/reference/mcp.md": mcp.page(),
        "docs/reference/metrics.md": figures.page(),
        "docs/reference/rest.md": rest.page(),
        "src/bastion/surfaces/rest/openapi.json": document.text(),
        "packaging/man/bastion.1": manual.page(),
        "packaging/completion/bastion.bash": completion.script("bash"),
        "packaging/completion/_bastion": completion.script("zsh"),
        "packaging/completion/bastion.fish": completion.script("fish"),
    }
    schemas = {
        f"src/bastion/surfaces/schemas/{name}.schema.json": text for name, text in answers.files().items()
    }
    return pages | schemas
