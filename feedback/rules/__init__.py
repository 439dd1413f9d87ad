"""Rules: what happens by itself when a response comes in. Deciding is pure; doing is exactly once."""

from feedback.rules.applying import Applied, Decision, apply_due_rules, decide
from feedback.rules.checking import check_rule, possible_receivers
from feedback.rules.describing import describe
from feedback.rules.finding import (
    Found,
    candidates,
    look_back,
    preview,
    queue_tagging,
    save_rule,
    switch_rules,
    tag_existing,
    unfinished_taggings,
)
from feedback.rules.matching import Conditions, Facts, conditions_of, has_keyword, matches

__all__ = [
    "Applied",
    "Conditions",
    "Decision",
    "Facts",
    "Found",
    "apply_due_rules",
    "candidates",
    "check_rule",
    "conditions_of",
    "decide",
    "describe",
    "has_keyword",
    "look_back",
    "matches",
    "possible_receivers",
    "preview",
    "queue_tagging",
    "save_rule",
    "switch_rules",
    "tag_existing",
    "unfinished_taggings",
]
