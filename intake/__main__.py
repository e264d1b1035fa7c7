"""`python -m intake [DATABASE_URL]`: the top of the queue, as JSON lines."""

import json
import sys

from sqlalchemy import select

from intake.database import one_session
from intake.models import Candidate


def main() -> None:
    url = sys.argv[1] if len(sys.argv) > 1 else "sqlite:///kentongan.db"
    with one_session(url) as session:
        waiting = (
            select(Candidate).where(Candidate.state == "candidate").order_by(Candidate.rank.desc(), Candidate.id.desc())
        )
        for one in session.scalars(waiting.limit(20)):
            about = {
                name: getattr(one, name) for name in ("id", "urgency", "headline", "sector", "region", "agency_id")
            }
            print(json.dumps(about | {"p": round(one.p_failure, 2), "voices": one.voice_count}, ensure_ascii=False))


if __name__ == "__main__":
    main()
