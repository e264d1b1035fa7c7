"""The second factor, sessions and tokens, invitations, remits and leave."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pyotp
import pytest
from pydantic import SecretStr
from sqlalchemy import select

from crawler.dates import WIB
from intake.database import Sessions
from intake.models import AuditRow, Candidate, Person, SignIn, now
from intake.people import access, accounts, invitations, portfolio, totp
from intake.people.seal import Seal, seal_of
from intake.review import queue
from intake.settings import Settings
from tests.intake.made import document, told

PASSWORD = "sandi yang cukup panjang"
# RFC 6238, appendix B: the secret of SHA-1, and the last six digits of its codes
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
RFC_CODES = {59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037"}
AT = datetime(2026, 11, 24, 5, tzinfo=UTC)
SEAL = Seal(b"k" * 32)


@pytest.fixture
def rina(factory: Sessions) -> int:
    with factory.begin() as session:
        return accounts.add_person(session, "Rina", "officer", PASSWORD)[0].id


def code(at: datetime, steps: int = 0) -> str:
    return pyotp.TOTP(RFC_SECRET).at(at + timedelta(seconds=30 * steps))


# ---- the second factor


@pytest.mark.parametrize(("second", "digits"), RFC_CODES.items())
def test_codes_are_those_of_the_standard(factory: Sessions, rina: int, second: int, digits: str) -> None:
    with factory.begin() as session:
        person = session.get_one(Person, rina)
        person.totp = RFC_SECRET
        at = datetime.fromtimestamp(second, UTC)
        assert totp.check(session, person, digits, SEAL, at)
        assert not totp.check(session, person, digits, SEAL, at)


@pytest.mark.parametrize(("steps", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_off_by_one_step(factory: Sessions, rina: int, steps: int, taken: bool) -> None:
    with factory.begin() as session:
        person = session.get_one(Person, rina)
        person.totp = RFC_SECRET
        assert totp.check(session, person, code(AT, steps), SEAL, AT) == taken


def test_no_code_is_taken_twice_nor_an_older_one_after_it(factory: Sessions, rina: int) -> None:
    with factory.begin() as session:
        person = session.get_one(Person, rina)
        assert totp.enrol(session, person, RFC_SECRET, "000000", SEAL, AT) is None
        assert totp.enrol(session, person, "a'; drop", code(AT), SEAL, AT) is None
        assert person.totp is None
        assert totp.enrol(session, person, RFC_SECRET, code(AT), SEAL, AT)
        assert [totp.check(session, person, code(AT, step), SEAL, AT) for step in (0, -1, 1, 1)] == [
            False,
            False,
            True,
            False,
        ]
        for nothing in ("", "12345", "1234567", "abcdef", "１２３４５６", "é" * 6, "\0" * 6):
            assert not totp.check(session, person, nothing, SEAL, AT)


def test_of_two_at_once_with_one_code_one_is_let_in(factory: Sessions, rina: int) -> None:
    with factory.begin() as session:
        session.get_one(Person, rina).totp = RFC_SECRET
    together, answers = Barrier(4), list[bool]()

    def give() -> None:
        with factory.begin() as session:
            person = session.get_one(Person, rina)
            together.wait(10)
            answers.append(totp.check(session, person, code(AT), SEAL, AT))

    threads = [Thread(target=give) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(answers) == [False, False, False, True]


def test_a_recovery_code_works_once_and_only_its_hash_is_kept(factory: Sessions, rina: int) -> None:
    with factory.begin() as session:
        person = session.get_one(Person, rina)
        codes = totp.enrol(session, person, RFC_SECRET, code(AT), SEAL, AT) or []
        assert len(set(codes)) == totp.RECOVERY_CODES == len(person.recovery)
        assert not set(codes) & set(person.recovery)
        assert totp.check(session, person, f" {codes[3].upper()} ", SEAL, AT)
        assert not totp.check(session, person, codes[3], SEAL, AT)
        renewed = totp.renew_recovery(session, person)
        assert not totp.check(session, person, codes[4], SEAL, AT)
        assert totp.check(session, person, renewed[4], SEAL, AT)
        totp.remove(session, person, None)
        assert not totp.check(session, person, renewed[5], SEAL, AT)


def test_the_secret_stands_sealed_for_its_person_and_installation(factory: Sessions, rina: int) -> None:
    with factory.begin() as session:
        person, dewi = session.get_one(Person, rina), accounts.add_person(session, "Dewi", "officer", PASSWORD)[0]
        assert totp.enrol(session, person, RFC_SECRET, code(AT, -1), SEAL, AT)
        kept = person.totp or ""
        assert (len(kept), RFC_SECRET in kept, SEAL.open(kept, dewi.id)) == (64, False, None)
        assert totp.check(session, person, code(AT), SEAL, AT)
        dewi.totp = kept
        session.flush()
        with pytest.raises(totp.Unreadable):
            totp.check(session, dewi, code(AT, 1), SEAL, AT)
    assert repr(SEAL) == "Seal()"


def test_one_that_was_kept_plain_is_read_and_sealed(factory: Sessions, rina: int) -> None:
    with factory.begin() as session:
        person, dewi = session.get_one(Person, rina), accounts.add_person(session, "Dewi", "officer", PASSWORD)[0]
        person.totp = dewi.totp = RFC_SECRET
        session.flush()
        assert totp.check(session, person, code(AT), SEAL, AT)
        assert person.totp != RFC_SECRET
        assert [totp.seal_plain(session, SEAL) for _ in range(2)] == [1, 0]
        session.flush()
        assert RFC_SECRET not in set(session.scalars(select(Person.totp)))
        for one in (person, dewi):
            assert totp.check(session, one, code(AT, 1), SEAL, AT)


def test_with_another_key_only_recovery_codes_are_taken_and_it_is_said_why(
    factory: Sessions, rina: int, settings: Settings
) -> None:
    lost = seal_of(settings.model_copy(update={"pseudonym_key": SecretStr("another")}))
    with factory.begin() as session:
        person = session.get_one(Person, rina)
        recovery = totp.enrol(session, person, RFC_SECRET, code(AT), seal_of(settings), AT) or []
        _, row = accounts.sign_in(session, "rina", PASSWORD, "x")
        with pytest.raises(accounts.SignInRefused, match="unreadable"):
            accounts.give_code(session, row, pyotp.TOTP(RFC_SECRET).now(), "x", lost)
        assert "sign_in.code_unreadable" in set(session.scalars(select(AuditRow.action)))
        assert accounts.give_code(session, row, recovery[0], "x", lost)
        accounts.confirm_code(session, person, pyotp.TOTP(RFC_SECRET).now(), "x", seal_of(settings))


def test_a_session_owes_its_code_and_gets_a_new_secret_with_it(
    factory: Sessions, rina: int, settings: Settings
) -> None:
    with factory.begin() as session:
        session.get_one(Person, rina).totp = RFC_SECRET
        half, row = accounts.sign_in(session, "rina", PASSWORD, "x", label="Firefox, Windows")
        assert (row.second_factor, row.label) == (False, "Firefox, Windows")
        with pytest.raises(accounts.SignInRefused, match="wrong"):
            accounts.give_code(session, row, "000000", "x", SEAL)
        assert not row.second_factor
        whole = accounts.give_code(session, row, pyotp.TOTP(RFC_SECRET).now(), "x", SEAL)
        assert row.second_factor
        assert accounts.session_of(session, half, settings) is None
        assert accounts.session_of(session, whole, settings) is row


def test_a_role_that_needs_one_owes_it_from_the_first_sign_in_on(factory: Sessions, rina: int) -> None:
    with factory.begin() as session:
        assert accounts.sign_in(session, "rina", PASSWORD, "x", required=("admin",))[1].second_factor
        assert not accounts.sign_in(session, "rina", PASSWORD, "x", required=("officer",))[1].second_factor


def test_guessing_codes_is_slowed_like_guessing_passwords(factory: Sessions, rina: int) -> None:
    with factory.begin() as session:
        session.get_one(Person, rina).totp = RFC_SECRET
        _, row = accounts.sign_in(session, "rina", PASSWORD, "x")
        answers = []
        for guess in range(11):
            with pytest.raises(accounts.SignInRefused) as refused:
                accounts.give_code(session, row, f"{guess:06}x", "x", SEAL)
            answers.append(str(refused.value))
        assert answers == ["wrong"] * 10 + ["too_many"]
        with pytest.raises(accounts.SignInRefused, match="too_many"):
            accounts.give_code(session, row, pyotp.TOTP(RFC_SECRET).now(), "y", SEAL)


# ---- passwords, sessions, tokens


@pytest.mark.parametrize(
    ("password", "key"),
    [("pendek", "short"), ("PasswordPassword", "common"), ("bismillah1234", "common"), ("ababababababab", "common")],
)
def test_what_is_tried_first_is_no_password(factory: Sessions, password: str, key: str) -> None:
    with factory.begin() as session, pytest.raises(accounts.PasswordRefused) as refused:
        accounts.add_person(session, "Dewi", "officer", password)
    assert refused.value.key == key


def test_sessions_are_listed_and_ended_one_or_all(factory: Sessions, rina: int, settings: Settings) -> None:
    with factory.begin() as session:
        person = session.get_one(Person, rina)
        other = accounts.add_person(session, "Dewi", "officer", PASSWORD)[0]
        secrets = [accounts.sign_in(session, "Rina", PASSWORD, "x", label=f"B{n}") for n in range(4)]
        foreign = accounts.sign_in(session, "Dewi", PASSWORD, "x")
        old = secrets[3][1]
        old.used_at = now() - timedelta(minutes=31)
        assert {row.label for row in accounts.sessions_of(session, person, settings)} == {"B0", "B1", "B2"}
        assert accounts.end(session, person, foreign[1].id, person) is None
        assert accounts.end(session, person, secrets[0][1].id, person) is secrets[0][1]
        assert accounts.end(session, person, secrets[0][1].id, person) is None
        token = accounts.make_token(session, "Rina")
        accounts.end_sessions(session, person, person, but=secrets[1][1])
        assert [row.label for row in accounts.sessions_of(session, person, settings)] == ["B1"]
        assert accounts.session_of(session, secrets[2][0], settings) is None
        assert accounts.session_of(session, foreign[0], settings) is not None
        assert accounts.token_of(session, token) is not None
        assert accounts.sessions_of(session, other, settings)


def test_a_token_has_scopes_an_end_and_a_last_use(factory: Sessions, rina: int) -> None:
    with factory.begin() as session:
        secret = accounts.make_token(session, "Rina", scopes=("read:queue",), days=30, label="laporan harian")
        at = now()
        row = accounts.token_of(session, secret, at + timedelta(days=29))
        assert row is not None
        assert (row.scopes, row.label) == (["read:queue"], "laporan harian")
        assert row.used_at == at + timedelta(days=29)
        assert access.allows(row, "queue.read")
        assert not access.allows(row, "candidate.decide")
        assert accounts.token_of(session, secret, at + timedelta(days=31)) is None
        whole = accounts.token_of(session, accounts.make_token(session, "Rina"))
        assert whole is not None
        assert set(whole.scopes) == set(access.scopes_of(whole.person)) - {"read:personal"}
        whole.person.role = "analyst"
        assert not access.allows(whole, "candidate.decide"), "no token may more than its person"


@pytest.mark.parametrize(("scopes", "days"), [(("admin",), 30), (("read:all",), 30), ((), 0), ((), 9999)])
def test_what_is_no_token(factory: Sessions, rina: int, scopes: tuple[str, ...], days: int) -> None:
    with factory.begin() as session:
        with pytest.raises(ValueError):
            accounts.make_token(session, "Rina", scopes=scopes, days=days or -1)
        assert session.scalars(select(SignIn).where(SignIn.kind == "token")).all() == []


# ---- another role


def test_another_role_ends_what_was_given_to_the_old_one(factory: Sessions, rina: int, settings: Settings) -> None:
    today = now().astimezone(WIB).date()
    with factory.begin() as session:
        person, boss = session.get_one(Person, rina), accounts.named(session, "admin")
        dewi = accounts.add_person(session, "Dewi", "officer", PASSWORD)[0]
        portfolio.add_leave(session, dewi, person, today, today, None)
        secret, token = accounts.sign_in(session, "Rina", PASSWORD, "x")[0], accounts.make_token(session, "Rina")
        invited = invitations.invite(session, person)
        with pytest.raises(ValueError, match="no role"):
            accounts.change_role(session, person, "king", by=boss)
        with pytest.raises(ValueError, match="belongs to an agency"):
            accounts.change_role(session, person, "focal", by=boss)
        assert not accounts.change_role(session, person, "officer", PLN, boss), "an agency is of focal points"
        assert accounts.token_of(session, token)
        assert accounts.change_role(session, person, "focal", PLN, boss)
        assert (person.role, person.agency_id) == ("focal", PLN)
        assert accounts.session_of(session, secret, settings) is accounts.token_of(session, token) is None
        assert invitations.find(session, invited), "who did not come yet comes with the new role"
        assert portfolio.leaves(session, dewi) == []
        assert accounts.change_role(session, person, "analyst", None, boss)
        told = select(AuditRow.person_id, AuditRow.subject, AuditRow.detail).where(AuditRow.action == "user.role")
        assert [tuple(row) for row in session.execute(told.order_by(AuditRow.place))] == [
            (boss.id, f"person:{rina}", {"from": ["officer"], "to": ["focal", PLN]}),
            (boss.id, f"person:{rina}", {"from": ["focal", PLN], "to": ["analyst"]}),
        ]


def test_of_two_administrators_who_go_at_once_one_stays(factory: Sessions) -> None:
    with factory.begin() as session:
        names = ["admin", accounts.add_person(session, "Boss", "admin", PASSWORD)[0].name]
    together, refused = Barrier(2), list[str]()

    def leave(name: str) -> None:
        try:
            with factory.begin() as session:
                person = accounts.named(session, name)
                together.wait(10)
                accounts.change_role(session, person, "officer", by=person)
        except accounts.LastAdministrator:
            refused.append(name)

    threads = [Thread(target=leave, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    with factory.begin() as session:
        assert len(refused) == 1
        assert session.scalars(select(Person.name).where(Person.role == "admin")).all() == refused
        with pytest.raises(accounts.LastAdministrator):
            accounts.disable(session, refused[0])


# ---- invitations


def test_an_invitation_works_once_within_a_week(factory: Sessions, settings: Settings) -> None:
    with factory.begin() as session:
        person, _ = accounts.add_person(session, "Dewi", "analyst")
        first = invitations.invite(session, person)
        secret = invitations.invite(session, person)
        assert invitations.find(session, first) is None, "a new one ends the one before"
        assert invitations.find(session, secret, now() + timedelta(days=7, seconds=1)) is None
        with pytest.raises(accounts.PasswordRefused):
            invitations.accept(session, secret, "pendek")
        assert invitations.waiting(session).keys() == {person.id}
        assert invitations.accept(session, secret, PASSWORD) is person
        assert accounts.knows_password(person, PASSWORD)
        assert invitations.accept(session, secret, PASSWORD + "!") is None
        assert accounts.knows_password(person, PASSWORD)
        kept = session.scalars(select(AuditRow.detail)).all()
        assert secret not in str(kept)


@pytest.mark.parametrize("deed", [accounts.set_password, accounts.disable])
def test_a_new_password_or_a_closed_account_ends_an_invitation(factory: Sessions, deed: Callable[..., object]) -> None:
    with factory.begin() as session:
        person, _ = accounts.add_person(session, "Dewi", "analyst")
        secret = invitations.invite(session, person)
        deed(session, "Dewi")
        accounts.disable(session, "Dewi", disabled=False)
        assert invitations.accept(session, secret, PASSWORD) is None


# ---- remits and leave

PLN, DUMAI, BENGKALIS = "VT-PLN-UP3DMI", "14.72", "14.03"


@pytest.fixture
def events(factory: Sessions) -> dict[str, int]:
    """One candidate of PLN in Bengkalis, one of nobody in Dumai, one of nobody knows where."""
    with factory.begin() as session:
        made = {
            "pln": told(session, document(1)),
            "dumai": told(
                session, document(2, "sampah menumpuk di pasar"), sectors=(), agencies=(), regions=("14.72",)
            ),
            "nowhere": told(session, document(3, "petugas loket marah"), sectors=(), agencies=(), regions=()),
        }
        return {name: one.id for name, one in made.items() if one}


def seen(factory: Sessions, person_id: int, events: dict[str, int]) -> set[str]:
    with factory.begin() as session:
        person = session.get_one(Person, person_id)
        ids = set(session.scalars(access.visible(select(Candidate.id), person)))
        assert {one.id for one in queue.page(session, person, queue.Filters(state=None)).items} == ids
    return {name for name, number in events.items() if number in ids}


@pytest.mark.parametrize(
    ("remits", "sees"),
    [
        ([], {"pln", "dumai", "nowhere"}),
        ([(None, DUMAI, False)], {"pln", "dumai", "nowhere"}),
        ([(None, DUMAI, True)], {"dumai"}),
        ([(PLN, None, True)], {"pln"}),
        ([(PLN, DUMAI, True)], set()),
        ([(PLN, BENGKALIS, True), (None, DUMAI, True)], {"pln", "dumai"}),
        ([(PLN, None, True), (None, DUMAI, False)], {"pln"}),
    ],
)
def test_bounds_are_all_that_is_seen(
    factory: Sessions,
    rina: int,
    events: dict[str, int],
    remits: list[tuple[str | None, str | None, bool]],
    sees: set[str],
) -> None:
    with factory.begin() as session:
        for agency, region, bounds in remits:
            portfolio.add_remit(session, session.get_one(Person, rina), agency, region, bounds=bounds, by=None)
    assert seen(factory, rina, events) == sees


def test_who_stands_in_sees_what_the_other_is_for_during_the_leave(
    factory: Sessions, rina: int, events: dict[str, int]
) -> None:
    today = now().astimezone(WIB).date()
    with factory.begin() as session:
        dewi = accounts.add_person(session, "Dewi", "officer", PASSWORD)[0]
        person = session.get_one(Person, rina)
        portfolio.add_remit(session, person, PLN, None, bounds=True, by=None)
        portfolio.add_remit(session, dewi, None, DUMAI, bounds=True, by=None)
        later = portfolio.add_leave(session, person, dewi, today + timedelta(1), today + timedelta(3), None)
        dewi_id = dewi.id
    assert seen(factory, dewi_id, events) == {"dumai"}
    with factory.begin() as session:
        session.merge(later).first_day = today
    assert seen(factory, dewi_id, events) == {"dumai", "pln"}
    assert seen(factory, rina, events) == {"pln"}
    with factory.begin() as session:
        assert portfolio.end_leave(session, session.get_one(Person, dewi_id), later.id, None) is None
        assert portfolio.end_leave(session, session.get_one(Person, rina), later.id, None)
    assert seen(factory, dewi_id, events) == {"dumai"}


def test_remits_and_leaves_that_cannot_be(factory: Sessions, rina: int) -> None:
    today = now().astimezone(WIB).date()
    with factory.begin() as session:
        person, boss = session.get_one(Person, rina), accounts.named(session, "admin")
        dewi = accounts.add_person(session, "Dewi", "officer", PASSWORD)[0]
        ana = accounts.add_person(session, "Ana", "analyst", PASSWORD)[0]
        portfolio.add_remit(session, person, None, DUMAI, bounds=True, by=None)

        def why(act: Callable[..., object], *given: object, **more: object) -> str:
            with pytest.raises(portfolio.NotPossible) as refused:
                act(session, *given, **more)
            return refused.value.key

        assert why(portfolio.add_remit, person, None, None, bounds=True, by=None) == "remit_empty"
        assert why(portfolio.add_remit, person, None, DUMAI, bounds=False, by=None) == "remit_known"
        assert why(portfolio.add_remit, boss, None, DUMAI, bounds=True, by=None) == "remit_unbound"
        assert why(portfolio.add_leave, person, ana, today, today, None) == "leave_cover"
        assert why(portfolio.add_leave, person, person, today, today, None) == "leave_cover"
        assert why(portfolio.add_leave, person, dewi, today, today - timedelta(1), None) == "leave_days"
        assert why(portfolio.add_leave, person, dewi, today - timedelta(2), today - timedelta(1), None) == "leave_days"
        assert portfolio.remove_remit(session, dewi, person.remits[0].id, None) is None
