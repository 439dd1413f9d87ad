"""May this person be asked now: one decision over facts, in ordered checks. It never touches the database.

The order and the numbers are those of the product's promise not to annoy: the first check that fails gives the
answer and its stable code; all that fail together say when asking again makes sense.
"""

from feedback.eligibility.checks import CHECKS, RECHECK_PAGE, Check, Obstacle, identity_obstacle
from feedback.eligibility.deciding import WHY, Verdict, decide, in_order
from feedback.eligibility.known import Candidate, Facts, Occasion, Quotas
from feedback.eligibility.readings import CYCLE, MAILED_PENDING, SHOWN_PENDING, draw, end_of_day

__all__ = [
    "CHECKS",
    "CYCLE",
    "MAILED_PENDING",
    "RECHECK_PAGE",
    "SHOWN_PENDING",
    "WHY",
    "Candidate",
    "Check",
    "Facts",
    "Obstacle",
    "Occasion",
    "Quotas",
    "Verdict",
    "decide",
    "draw",
    "end_of_day",
    "identity_obstacle",
    "in_order",
]
