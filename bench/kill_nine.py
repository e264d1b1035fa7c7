"""Kill the service at random moments, then let it finish: is any document lost or doubled?

    python bench/kill_nine.py [--kills 20] [--seed 1]

Runs `kentongan run --demo` against one SQLite file, kills its whole life -9 after a random time, again and again, then
does one quiet round. The outcome must equal that of a database that was never disturbed: the same publications, each
once, each analysed, each event with the same mentions. Prints the figures; exits 1 if they differ.
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


def disturbed_round(folder: Path, port: int, seconds: float) -> None:
    service = subprocess.Popen(
        command(folder, "run", "--demo", "--port", "0"),
        cwd=folder,
        env=environment(port),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(seconds)
    service.send_signal(signal.SIGKILL)
    service.wait()


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


def trial(kills: int, seed: int, longest: float = 12.0) -> tuple[dict[str, object], dict[str, object], list[str]]:
    """The outcome after `kills` kills, that of a quiet database, and the processes left over."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        port = free_port()
        os.environ["KENTONGAN_ORPHAN_MARK"] = one
        for _ in range(kills):
            disturbed_round(Path(one), port, chance.uniform(0.3, longest))
        time.sleep(3)
        left = orphans(Path(one))
        left.remove(str(os.getpid())) if str(os.getpid()) in left else None
        del os.environ["KENTONGAN_ORPHAN_MARK"]
        quiet_round(Path(one), port)
        quiet_round(Path(two), port)
        return outcome(Path(one)), outcome(Path(two)), left


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    disturbed, quiet, left = trial(arguments.kills, arguments.seed)
    for name, value in quiet.items():
        other = disturbed[name]
        size = (len(other), len(value)) if isinstance(other, list) and isinstance(value, list) else (other, value)
        print(f"{name:14} disturbed {size[0]!s:>6}  quiet {size[1]!s:>6}  {'same' if other == value else 'DIFFERENT'}")
    print(f"{'orphans':14} {len(left)}")
    return int(disturbed != quiet or bool(left))


if __name__ == "__main__":
    sys.exit(main())
