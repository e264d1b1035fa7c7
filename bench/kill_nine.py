"""Kill the service at random and at chosen moments, then let it finish: is any document lost or doubled?

    python bench/kill_nine.py [--kills 20] [--seed 1] [--moments 6]

Runs `kentongan run --demo` against one SQLite file, kills its whole life -9 after a random time, again and again, then
does one quiet round. Then the moments at which a document is easiest to lose: for every batch of a first crawl a database
of its own, in which the service is ended just after it stored that batch, by SIGKILL and by SIGTERM, and a quiet round.

Each outcome must equal that of a database that was never disturbed: the same publications, each once, each analysed, each
event with the same mentions. Prints the figures; exits 1 if they differ.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).parents[1]


def command(folder: Path, *words: str) -> list[str]:
    return [sys.executable, str(ROOT / "scheduler.py"), *words, "--database", f"sqlite:///{folder / 'kentongan.db'}"]


def environment(port: int) -> dict[str, str]:
    return os.environ | {"KENTONGAN_DEMO_PORT": str(port), "PYTHONPATH": str(ROOT)}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def quiet_round(folder: Path, port: int) -> None:
    subprocess.run(
        command(folder, "run", "--demo", "--once"), cwd=folder, env=environment(port), check=True, capture_output=True
    )


def start(folder: Path, port: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command(folder, "run", "--demo", "--port", "0"),
        cwd=folder,
        env=environment(port),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def disturbed_round(folder: Path, port: int, seconds: float) -> None:
    service = start(folder, port)
    time.sleep(seconds)
    service.send_signal(signal.SIGKILL)
    service.wait()


def stored(folder: Path) -> tuple[int, int]:
    """How many documents, and of how many sources the visit is recorded: each batch changes one of them."""
    try:
        with closing(sqlite3.connect(f"file:{folder / 'kentongan.db'}?mode=ro", uri=True)) as database:
            documents, visits = database.execute(
                "SELECT (SELECT count(*) FROM mention), (SELECT count(*) FROM source WHERE visited_at IS NOT NULL)"
            ).fetchone()
    except sqlite3.OperationalError:  # not made yet
        return 0, 0
    return int(documents), int(visits)


def ended_after(folder: Path, port: int, batches: int, number: signal.Signals, patience: float = 120.0) -> int:
    """End the service by a signal just after its first crawl stored so many batches. Returns how many documents it had."""
    service, seen, deadline = start(folder, port), (0, 0), time.monotonic() + patience
    while batches and time.monotonic() < deadline and service.poll() is None:
        now = stored(folder)
        batches -= now != seen
        seen = now
        time.sleep(0.003)
    service.send_signal(number)
    service.wait(60)
    return stored(folder)[0]


def outcome(folder: Path) -> dict[str, object]:
    """What the database holds, without ids: publications, the unanalysed ones, and events as sets of publications."""
    with sqlite3.connect(folder / "kentongan.db") as database:
        rows = database.execute("SELECT key, analysed_at IS NOT NULL, candidate_id FROM mention").fetchall()
        counts = database.execute("SELECT id, mention_count FROM candidate").fetchall()
    events: dict[int, set[str]] = {}
    for key, _, candidate in rows:
        if candidate is not None:
            events.setdefault(candidate, set()).add(key)
    return {
        "publications": sorted(key for key, _, _ in rows),
        "waiting": sum(not analysed for _, analysed, _ in rows),
        "events": sorted(sorted(keys) for keys in events.values()),
        "wrong counts": sum(len(events.get(candidate, ())) != count for candidate, count in counts),
    }


def orphans(folder: Path) -> list[str]:
    """Processes of the killed service that still live."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"KENTONGAN_ORPHAN_MARK={folder}" in entry.read_text(errors="replace"):
                found.append(entry.parent.name)
        except OSError:
            continue
    return found


def random_kills(port: int, kills: int, seed: int, longest: float = 12.0) -> tuple[dict[str, object], list[str]]:
    """The outcome after `kills` kills and a quiet round, and the processes left over."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["KENTONGAN_ORPHAN_MARK"] = name
        for _ in range(kills):
            disturbed_round(folder, port, chance.uniform(0.3, longest))
        time.sleep(3)
        left = [process for process in orphans(folder) if process != str(os.getpid())]
        del os.environ["KENTONGAN_ORPHAN_MARK"]
        quiet_round(folder, port)
        return outcome(folder), left


def quiet_outcome(port: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        quiet_round(Path(folder), port)
        return outcome(Path(folder))


def moment(port: int, batches: int, number: signal.Signals) -> tuple[int, dict[str, object]]:
    """How many documents a service held that was ended after so many batches, and the outcome after a quiet round."""
    with tempfile.TemporaryDirectory() as folder:
        held = ended_after(Path(folder), port, batches, number)
        quiet_round(Path(folder), port)
        return held, outcome(Path(folder))


def compare(quiet: dict[str, object], disturbed: dict[str, object]) -> bool:
    """Print the figures of both; whether they are the same."""
    for name, value in quiet.items():
        other = disturbed[name]
        size = (len(other), len(value)) if isinstance(other, list) and isinstance(value, list) else (other, value)
        print(f"{name:14} disturbed {size[0]!s:>6}  quiet {size[1]!s:>6}  {'same' if other == value else 'DIFFERENT'}")
    return quiet == disturbed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--moments", type=int, default=6, help="batches of a first crawl after which it is ended")
    arguments = parser.parse_args()
    port = free_port()  # one for all: the address of a publication, and so its key, holds it
    quiet = quiet_outcome(port)
    disturbed, left = random_kills(port, arguments.kills, arguments.seed)
    print(f"{arguments.kills} kills at random")
    same = compare(quiet, disturbed)
    print(f"{'orphans':14} {len(left)}")
    for batches in range(1, arguments.moments + 1):
        for number in (signal.SIGKILL, signal.SIGTERM):
            held, disturbed = moment(port, batches, number)
            print(f"{number.name} after batch {batches}, {held} documents held", flush=True)
            same &= compare(quiet, disturbed)
    return int(not same or bool(left))


if __name__ == "__main__":
    sys.exit(main())
