import pytest

from privacy.models import Membership, RightsRequest
from tests.factories import make_controller, make_product, make_rights_request, make_staff

pytestmark = pytest.mark.django_db


def test_members_of_one_product_see_its_requests_and_no_others():
    controller = make_controller()
    mine, other = (make_product(controller=controller) for _ in range(2))
    about_mine, _other, _none = (
        make_rights_request(controller=controller, product=product) for product in (mine, other, None)
    )
    officer = make_staff("privacy_officer", product=mine)

    assert list(RightsRequest.objects.visible_to(officer)) == [about_mine]


def test_members_of_the_whole_controller_see_all_of_its_requests():
    controller = make_controller()
    for product in (make_product(controller=controller), None):
        make_rights_request(controller=controller, product=product)
    make_rights_request(controller=make_controller())
    officer = make_staff("privacy_officer")
    Membership.objects.create(user=officer, controller=controller)

    assert RightsRequest.objects.visible_to(officer).count() == 2
