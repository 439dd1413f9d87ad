"""The floor: the same requests answered with the least SQL that could do it, written by hand, and no rule at all."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db import connection, transaction
from django.urls import path
from django.utils import timezone
from rest_framework.response import Response
from rest_framework.views import APIView

if TYPE_CHECKING:
    from rest_framework.request import Request

TABLES: Final = """
CREATE TABLE bare_person (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, subject_key text NOT NULL UNIQUE, next_check_at timestamptz
);
CREATE TABLE bare_invitation (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_digest bytea NOT NULL UNIQUE, person_id bigint,
    created_at timestamptz, responded_at timestamptz
);
CREATE TABLE bare_response (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, invitation_id bigint NOT NULL UNIQUE,
    submission_id uuid NOT NULL UNIQUE, score smallint NOT NULL, answered_at timestamptz NOT NULL
);
"""
REST: Final = timedelta(days=30)


class ResponseView(APIView):
    def put(self, request: Request, token: str) -> Response:
        sent: Any = request.data
        score, submission_id = sent["score"], sent["submission_id"]
        if type(score) is not int or not 0 <= score <= 10:
            return Response({"code": "invalid_score"}, status=400)
        digest, now = hashlib.sha256(token.encode()).digest(), timezone.now()
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT id FROM bare_invitation WHERE token_digest = %s FOR UPDATE", [digest])
            (invitation,) = cursor.fetchone()
            cursor.execute(
                "INSERT INTO bare_response (invitation_id, submission_id, score, answered_at) VALUES (%s, %s, %s, %s)",
                [invitation, submission_id, score, now],
            )
            cursor.execute("UPDATE bare_invitation SET responded_at = %s WHERE id = %s", [now, invitation])
        return Response({"state": "partial", "seq": 0}, status=201)


class EligibilityView(APIView):
    def post(self, request: Request) -> Response:
        sent: Any = request.data
        with connection.cursor() as cursor:
            cursor.execute("SELECT next_check_at FROM bare_person WHERE subject_key = %s", [sent["user"]["id"]])
            (next_check_at,) = cursor.fetchone()
        return Response({"eligible": False, "next_check_at": next_check_at})


class ReservationView(APIView):
    def post(self, request: Request) -> Response:
        sent: Any = request.data
        now = timezone.now()
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT id FROM bare_person WHERE subject_key = %s FOR UPDATE", [sent["user"]["id"]])
            (person,) = cursor.fetchone()
            token = hashlib.sha256(f"{person} {now}".encode()).hexdigest()
            cursor.execute(
                "INSERT INTO bare_invitation (token_digest, person_id, created_at) VALUES (%s, %s, %s)",
                [hashlib.sha256(token.encode()).digest(), person, now],
            )
            cursor.execute("UPDATE bare_person SET next_check_at = %s WHERE id = %s", [now + REST, person])
        return Response({"eligible": True, "invitation": token})


urlpatterns = [
    path("response/<str:token>", ResponseView.as_view()),
    path("eligibility", EligibilityView.as_view()),
    path("reservation", ReservationView.as_view()),
]
