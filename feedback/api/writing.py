"""Bodies of answers, without serializers: one per nesting would cost more than the decision itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from surveys.scales import Band, scale_of

if TYPE_CHECKING:
    from datetime import datetime

    from feedback.invitations import Answer, Question
    from feedback.products import ProductFacts
    from surveys.throttling import Throttles

MOST_ENCODED: Final = 1_000  # questions; somebody who asks more than that loses speed and nothing else


def eligibility_json(answer: Answer) -> str:
    """Return ``EligibilityOutput`` as JSON."""
    body = {
        "eligible": answer.question is not None,
        "code": answer.code,
        "why": answer.why,
        "next_check_at": answer.next_check_at.isoformat(),
        "invitation": answer.token,
    }
    survey = question_json(answer.question) if answer.question else "null"
    return f'{as_json(body)[:-1]},"survey":{survey}}}'


_encoded: dict[tuple[int, str, Throttles], str] = {}


def question_json(question: Question) -> str:
    """Return ``SurveyOutput`` as JSON, encoded once: of a version that is asked the words do not change."""
    key = question.version_id, question.language, question.throttles
    if key not in _encoded:
        if len(_encoded) >= MOST_ENCODED:
            _encoded.clear()
        _encoded[key] = as_json(question_body(question))
    return _encoded[key]


def as_json(body: Any) -> str:
    """Return JSON without a byte too many."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def question_body(question: Question) -> dict[str, Any]:
    """Return the body of ``SurveyOutput``."""
    scale = scale_of(question.metric, question.band_profile)
    bands = question.content["bands"]
    return {
        "id": question.survey_id,
        "version": question.version_id,
        "metric": question.metric,
        "scale": {"min": scale.minimum, "max": scale.maximum},
        "bands": {
            Band.DETRACTOR: scale.minimum,
            Band.PASSIVE: scale.passive_from,
            Band.PROMOTER: scale.promoter_from,
        },
        "language": question.language,
        "question": question.content["question"],
        "labels": {"low": question.content["low_label"], "high": question.content["high_label"]},
        "follow_up": {
            band: {
                "question": words["follow_up_question"],
                "placeholder": words["placeholder"],
                "reasons": words["reasons"],
            }
            for band, words in bands.items()
        },
        "thanks": {band: words["thanks"] for band, words in bands.items()},
        "decline": question.content["decline_label"],
        "rest_days": {
            "answered": question.throttles.response_days,
            "declined": question.throttles.decline_days,
            "snoozed": question.throttles.snooze_days,
            "ignored": question.throttles.unanswered_days,
        },
    }


def askable_body(public_key: str, product: ProductFacts, *, at: datetime) -> dict[str, Any]:
    """Return the body of ``AskablesOutput``: surveys that are live, or will be within their schedule."""
    return {
        "product": public_key,
        "surveys": [
            {
                "id": candidate.survey_id,
                "version": candidate.version_id,
                "metric": candidate.metric,
                "channels": list(candidate.channels),
                "priority": candidate.priority,
                "starts_at": candidate.starts_at.isoformat() if candidate.starts_at else None,
                "ends_at": candidate.ends_at.isoformat() if candidate.ends_at else None,
            }
            for candidate in sorted(product.candidates, key=lambda each: (-each.priority, each.survey_id))
            if candidate.is_live and not (candidate.ends_at and candidate.ends_at <= at)
        ],
    }
