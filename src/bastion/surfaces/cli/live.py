"""Live rows: a running exit on a terminal, one row a position, redrawn as it changes."""

from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bastion.domain.records import Entry
from bastion.surfaces.cli.board import Board, Row, RowState, trim
from bastion.surfaces.cli.words import price as price_word

REFRESHES_PER_S = 12
BAR_WIDTH = 16

_STYLES = {
    RowState.OPEN: "yellow",
    RowState.CLOSING: "bold red",
    RowState.FLAT: "bold blue",
    RowState.RESIDUAL: "bold magenta",
}


class LiveRows:
    """Draws the board; lines that no row shows are written above it."""

    def __init__(self) -> None:
        self.board = Board()
        self._console = Console(highlight=False)
        self._live = Live(
            console=self._console, get_renderable=self._draw, refresh_per_second=REFRESHES_PER_S
        )

    def take(self, entry: Entry) -> None:
        """Show what the entry changed."""
        for line in self.board.take(entry):
            if not line.of_row:
                self.say(line.text)

    def say(self, text: str) -> None:
        """Write one line above the rows."""
        self._console.print(Text(text))

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the last rows on the screen."""
        self._live.stop()

    def _draw(self) -> Group:
        if not self.board.rows:
            return Group()
        table = Table.grid(padding=(0, 2))
        for _ in range(6):
            table.add_column(no_wrap=True)
        for row in self.board.rows.values():
            table.add_row(*_cells(row))
        exposure = Text(f"  exposure ${self.board.exposure_usd:,.0f}   {self.board.elapsed_s:.2f} s")
        return Group(table, exposure)


def _cells(row: Row) -> tuple[Text, Text, ProgressBar, Text, Text, Text]:
    position = row.position
    done = position.quantity - row.left
    share = float(done / position.quantity) if position.quantity else 0.0
    price = "" if row.price is None else f"@ {price_word(row.price)}"
    pnl = "" if row.pnl_usd is None else f"{row.pnl_usd:+,.2f}"
    return (
        Text("  " + position.symbol),
        Text(f"{position.side.value:<5} {row.account}", style="dim"),
        ProgressBar(total=1.0, completed=share, width=BAR_WIDTH),
        Text(row.state.value, style=_STYLES[row.state]),
        Text(price or f"{trim(row.left)} left"),
        Text(pnl),
    )
