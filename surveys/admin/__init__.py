"""What staff do with surveys: settings, wording with a live preview, publishing, versions and throttles."""

from surveys.admin.surveys import SurveyAdmin
from surveys.admin.throttles import ProductThrottlesAdmin
from surveys.admin.versions import SurveyVersionAdmin

__all__ = ["ProductThrottlesAdmin", "SurveyAdmin", "SurveyVersionAdmin"]
