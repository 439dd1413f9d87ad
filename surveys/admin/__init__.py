"""What staff do with surveys: settings, wording with a live preview, publishing, versions and throttles."""

from surveys.admin.surveys import SurveyAdmin
from surveys.admin.targeting import EventAdmin
from surveys.admin.throttles import ProductThrottlesAdmin
from surveys.admin.versions import SurveyVersionAdmin

__all__ = ["EventAdmin", "ProductThrottlesAdmin", "SurveyAdmin", "SurveyVersionAdmin"]
