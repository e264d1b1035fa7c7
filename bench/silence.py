"""How often is a silence called quiet that is none, and how soon one that is? On made histories of daily new texts.

    python bench/silence.py [--years 12]

Each source is listened to every day for years and never ends: whatever is called quiet is a false alarm. For every seventh
day it is asked, too, how many silent days would pass before the end of the source was noticed.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from math import exp
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from intake.casework.cases import WIB
from intake.health import Day, expected_by, weekday
from intake.retention import KEEP_VISITS

Texts = Callable[[random.Random, int], float]  # weekday -> how many are to be expected
SOURCES: dict[str, Texts] = {
    "20 a day": lambda _, day: 20,
    "3 a day": lambda _, day: 3,
    "3 a day, 1 on Sundays and holidays": lambda _, day: 1 if day == 6 else 3,
    "5 on working days": lambda _, day: 5 if day < 5 else 0.05,
    "3 on Tuesdays": lambda _, day: 3 if day == 1 else 0.02,
    "1 in three days": lambda _, day: 0.36,
    "1 in ten days": lambda _, day: 0.1,
    "8 a day in bursts": lambda chance, day: chance.gammavariate(1, 8),
    "2 a day in bursts": lambda chance, day: chance.gammavariate(0.7, 2 / 0.7),
}


def poisson(chance: random.Random, mean: float) -> int:
    count, left = 0, chance.random()
    while left > exp(-mean):
        count, left = count + 1, left * chance.random()
    return count


def listen(texts: Texts, years: int) -> tuple[float, list[int]]:
    """False alarms a year, and the silent days after which each end would be noticed."""
    chance, history, alarms, quiet, noticed = random.Random(1), list[Day](), 0, False, list[int]()
    for number in range(365 * years):
        day = date(2020, 1, 1) + timedelta(number)
        history.append(Day(day, answered=1, new=poisson(chance, texts(chance, weekday(day)))))
        del history[: -KEEP_VISITS.days]
        midnight = datetime.combine(day + timedelta(1), time(), WIB)
        by = expected_by(history, midnight)
        alarms += (now_quiet := by is not None and midnight >= by) and not quiet
        quiet = now_quiet
        if by is not None and history[-1].new and number % 7 == 0:
            noticed.append((by - midnight).days)
    return alarms / years, noticed


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--years", type=int, default=12)
    years = parser.parse_args().years
    print(f"{'source':36} {'false alarms a year':>20} {'noticed after days (median, longest)':>38}")
    for name, texts in SOURCES.items():
        alarms, noticed = listen(texts, years)
        print(f"{name:36} {alarms:20.1f} {statistics.median(noticed):27.0f}, {max(noticed):9}")


if __name__ == "__main__":
    main()
