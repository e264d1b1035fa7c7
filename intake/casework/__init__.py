"""Accepted candidates on their legal tracks: cases, clocks and referrals."""
