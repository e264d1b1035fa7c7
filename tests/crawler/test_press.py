"""What `bench/crawl.py` measures of quality has a floor, on a few pages of each make."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_pages_of_no_make_are_read_worse_than_by_trafilatura() -> None:
    command = [sys.executable, str(ROOT / "bench/crawl.py"), "articles", "--pages", "3"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert float(ran.stdout.splitlines()[-1].split()[1]) > 0.98
