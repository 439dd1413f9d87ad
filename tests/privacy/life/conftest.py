from __future__ import annotations

import pytest

from privacy import fulfilment
from privacy.models import RequestTask
from privacy.performing import Result
from tests.privacy.life.cases import build_package, delete_rows

Kind = RequestTask.Kind


@pytest.fixture
def performed(monkeypatch):
    """Performers that note what they did, in order, and erase for real; a test may put others in their place."""
    done = []

    def noting(perform):
        def performer(task):
            done.append((task.kind, task.dataset))
            return perform(task)

        return performer

    performers = {Kind.ERASE: delete_rows, Kind.PACKAGE: build_package}
    for kind in Kind:
        perform = performers.get(kind, lambda task: Result.of(1))
        monkeypatch.setitem(fulfilment.PERFORMERS, kind, noting(perform))
    return done
