"""Draws the pictures in assets/ from the running program: `make screenshots`.

Opens the console on a small project in a pseudo-terminal, waits until its workers have something to show, and draws
the cells of the terminal with Pillow and a monospaced font of this machine.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from tests.terminal import Terminal
from tests.waiting import wait_for

ASSETS = Path(__file__).parents[1] / "assets"
COLUMNS, ROWS = 132, 38
FONT_SIZE = 26
"""Twice what a browser shows, for sharp text on dense displays."""
INK, PAPER = "#e0e0e0", "#121212"
FONTS = (
    ("DejaVuSansMono.ttf", "DejaVuSansMono-Bold.ttf"),
    ("/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf", "/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf"),
    ("/System/Library/Fonts/Menlo.ttc", "/System/Library/Fonts/Menlo.ttc"),
    ("LiberationMono-Regular.ttf", "LiberationMono-Bold.ttf"),
    ("consola.ttf", "consolab.ttf"),
)

PROJECT = '''\
import json
import random

from workerkit import worker
from workerkit.stock import Command, DiskSpace, LoopDelay, Memory, Processes

disk = DiskSpace("/", name="disk", interval="10s", tags=["machine"])
memory = Memory(name="memory", interval="4s", tags=["machine"])
processes = Processes(name="processes", interval="8s", tags=["machine"])
event_loop = LoopDelay(name="event-loop", interval="2s", tags=["machine"])
uptime = Command("uptime", name="uptime", interval="15s", tags=["machine"])


@worker(every="2s", tags=["shop"])
def refresh_prices(ctx):
    """Fetches the price list."""
    ctx.sleep(random.uniform(0.1, 0.9))
    return f"{random.randint(80, 140)} prices"


@worker(every="4s", tags=["shop"])
def import_orders(ctx):
    """Reads what the partners sent."""
    return f"{len(read_orders(ctx))} orders"


def read_orders(ctx):
    answer = '{"orders": [{"id": 4711, "total": 1,999.00}]}'
    try:
        return json.loads(answer)["orders"]
    except ValueError as error:
        raise RuntimeError("the partner's answer is no JSON") from error


@worker(every="10s", tags=["shop"])
def send_invoices(ctx):
    """Takes a while, and says how far it is."""
    for number in range(60):
        ctx.progress(number, 60, "invoices")
        ctx.sleep(0.1)


@worker(every="3s", timeout="2s", tags=["shop"])
async def check_payments(ctx):
    """Asks the bank."""
    await ctx.sleep_async(random.uniform(0.05, 0.5))


@worker(every="30s", tags=["shop"])
def newsletter(): ...


@worker(cron="15 3 * * *", timezone="Europe/Berlin", tags=["nightly"])
def backup(): ...
'''


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="shop-") as name:
        folder = Path(name)
        (folder / "workers.py").write_text(PROJECT)
        program = [sys.executable, "-m", "workerconsole", "--db", f"{folder}/shop.db"]
        words = [*program, "workers.py", "--theme", "dark"]
        with Terminal(words, folder=folder, environment=dict(os.environ), columns=COLUMNS, rows=ROWS) as terminal:
            terminal.expect("newsletter")
            pause = [*program, "pause", "newsletter", "--reason", "the text is not ready"]
            wait_for(lambda: subprocess.run(pause, check=False, capture_output=True).returncode == 0)
            terminal.expect("6 failures", deadline=60)
            terminal.press("g", "tab", "tab")
            terminal.expect("caused by")
            draw(terminal, ASSETS / "console.png")
            terminal.press("t")
            terminal.expect("Variables")
            draw(terminal, ASSETS / "traceback.png")
            terminal.press("q")
            terminal.expect("import-orders")
            terminal.press("q")
            terminal.expect("stop the workers")
            terminal.press("enter")
            terminal.ended()
    print(ASSETS / "console.png", ASSETS / "traceback.png")
    return 0


def draw(terminal: Terminal, path: Path) -> None:
    """The terminal's cells as a picture."""
    plain, bold = _fonts()
    wide, high = round(plain.getlength("M")), round(FONT_SIZE * 1.25)
    columns, rows = terminal.screen.columns, terminal.screen.lines
    image = Image.new("RGB", (wide * columns, high * rows), PAPER)
    pen = ImageDraw.Draw(image)
    for y, line in enumerate(terminal.lines()):
        for x in range(columns):
            _cell(pen, line[x], (x * wide, y * high, wide, high), bold if line[x].bold else plain)
    image.quantize(128).save(path, optimize=True)


def _cell(pen: ImageDraw.ImageDraw, cell: Any, box: tuple[int, int, int, int], font: Any) -> None:
    left, top, wide, high = box
    ink, paper = _colour(cell.fg, INK), _colour(cell.bg, PAPER)
    if cell.reverse:
        ink, paper = paper, ink
    pen.rectangle([left, top, left + wide - 1, top + high - 1], fill=paper)
    if cell.data.strip():
        pen.text((left, top + (high - FONT_SIZE) // 2 - 2), cell.data, font=font, fill=ink)
    if cell.underscore:
        pen.line([left, top + high - 3, left + wide, top + high - 3], fill=ink)


def _colour(value: str, default: str) -> str:
    return f"#{value}" if re.fullmatch("[0-9a-fA-F]{6}", value) else default


def _fonts() -> tuple[Any, Any]:
    for plain, bold in FONTS:
        try:
            return ImageFont.truetype(plain, FONT_SIZE), ImageFont.truetype(bold, FONT_SIZE)
        except OSError:
            continue
    raise SystemExit("no monospaced font was found; install one, for example Debian's fonts-dejavu-core")


if __name__ == "__main__":
    sys.exit(main())
