"""Getting in: the second factor, passwords that the staff site does not take, roles that are gone."""

from refundportal.staff.tests.desk import Desk
from refundportal.staff.tests.test_matrix import address, everything, rows
from refunds.tests.scene import Scene


def test_staff_without_a_second_factor_reach_no_page_and_no_act(scene: Scene, settings):
    settings.STAFF_SECOND_FACTOR = True
    found = rows(scene)
    desk = Desk(scene.cast.finn)
    before = everything()

    for route in ("", "payments/payment/", "payments/payment/<uuid:row_id>/do/<slug:act_name>/"):
        answer = desk.post(address(route, found), {"confirmed": "1"})
        assert (answer.status_code, answer.headers["Location"]) == (302, "/account/2fa/")

    assert everything() == before


def test_the_staff_site_takes_no_password_of_its_own(scene: Scene):
    scene.cast.arno.set_password("a long one that is known")
    scene.cast.arno.save()
    desk = Desk(scene.cast.rita)

    answer = desk.post(
        "/admin/login/", {"username": scene.cast.arno.email, "password": "a long one that is known"}
    )

    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")
    assert desk.session["_auth_user_id"] == str(scene.cast.rita.pk)


def test_a_role_taken_away_counts_with_the_next_request(scene: Scene):
    desk = Desk(scene.cast.rita)
    assert desk.get("/admin/refunds/refundrequest/").status_code == 200

    scene.cast.rita.groups.clear()

    assert desk.get("/admin/refunds/refundrequest/").status_code == 403
