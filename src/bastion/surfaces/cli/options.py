"""Options: what commands of every branch take alike."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

Config = Annotated[Path | None, Parameter(name="--config", help="The configuration (BASTION_CONFIG).")]
Json = Annotated[bool, Parameter(name="--json", negative=(), help="Answer with one JSON document.")]
