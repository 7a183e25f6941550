"""Secrets are hidden by name, by look and by being known; what is no secret stays readable."""

import json
import time
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workerkit.failures.redact import Redactor

PLAIN = Redactor(environment={})

SECRET_NAMES = """
    password PASSWORD passwd pwd db_password dbPassword DbPassword PGPASSWORD MYSQL_PWD user-password password2
    new_password password_hash passphrase secret client_secret clientSecret CLIENT_SECRET secret_key SECRET_KEY
    token auth_token x_auth_token access_token refreshToken csrfmiddlewaretoken csrf_token access_tokens
    api_key apiKey API_KEY X-API-Key apikey private_key privateKey aws_secret_access_key AWS_ACCESS_KEY
    database_url DATABASE_URL dsn SENTRY_DSN jwt session session_id cookie Set-Cookie cookie_jar
    authorization Authorization auth auth_header credentials credential connection_string
"""

HARMLESS_NAMES = """
    author authors authority authenticate is_authenticated max_tokens token_count tokens tokenizer tokenize
    key keys keyboard monkey url image_url passenger passed compass secretary cookies_accepted session_count
    password_length passwords_checked name id value data header x i items customer order_id auth_attempts
"""


@pytest.mark.parametrize("name", SECRET_NAMES.split())
def test_names_that_tell_of_a_secret(name: str) -> None:
    assert PLAIN.reason_for_name(name) is not None


@pytest.mark.parametrize("name", HARMLESS_NAMES.split())
def test_names_that_only_look_like_it(name: str) -> None:
    assert PLAIN.reason_for_name(name) is None


def test_a_worker_may_declare_names_of_its_own() -> None:
    redactor = Redactor(names=["pin", "Iban"], environment={})
    assert redactor.reason_for_name("PIN") == "declared secret"
    assert redactor.reason_for_name("iban") == "declared secret"
    assert redactor.text("pin=1234, n=5") == "pin=‹redacted: declared secret›, n=5"


LOOKS = {
    "PEM": "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA7\n-----END RSA PRIVATE KEY-----",
    "a PEM that is cut off": "-----BEGIN PRIVATE KEY-----\nMIIEowIBAAKCAQEA7",
    "JWT": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
    "AWS": "AKIAIOSFODNN7EXAMPLE",
    "Google": "AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY",
    "GitHub": "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "GitHub, fine-grained": "github_pat_11AAAAAAA0123456789_abcdefghijklmnop",
    "GitLab": "glpat-ABCdef123456GHIjkl78",
    "Slack": "xoxb-123456789012-abcdefghijkl",
    "Stripe": "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
    "OpenAI": "sk-proj-abcdefghijklmnopqrstuvwxyz",
    "Hugging Face": "hf_abcdefghijklmnopqrstuvwxyz",
}


@pytest.mark.parametrize("what", LOOKS)
def test_values_that_look_like_secrets(what: str) -> None:
    secret = LOOKS[what]
    text = PLAIN.text(f"before {secret} after")
    assert not any(piece in text for piece in secret.split("\n") if not piece.startswith("-----"))
    assert text.startswith("before ‹redacted: ")


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("postgresql://ada:s3cr3t@db.example/app", "s3cr3t"),
        ("redis://:s3cr3t@localhost:6379/0", "s3cr3t"),
        ("Authorization: Bearer abcdef.12345678", "abcdef"),
        ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("curl -H 'X-Token: s3cr3t!!'", "s3cr3t"),
        ("password=s3cr3t&user=ada", "s3cr3t"),
        ("connect(host='db', password='s3 cr3t', port=1)", "s3 cr3t"),
        ('{"api_key": "s3cr3t", "n": 3}', "s3cr3t"),
        ("{'client_secret': b's3cr3t'}", "s3cr3t"),
        ("PGPASSWORD=s3cr3t psql", "s3cr3t"),
        ("https://api.example/?access_token=s3cr3t", "s3cr3t"),
        ("psql --password s3cr3t -h db", "s3cr3t"),
        ("psql --password=s3cr3t -h db", "s3cr3t"),
        ("Cookie: a=1; sid=s3cr3t; b=2", "s3cr3t"),
        ("Set-Cookie: sid=s3cr3t; Path=/", "s3cr3t"),
        ('Authorization: Digest username="ada", response=s3cr3t', "s3cr3t"),
        (r'{"body": "{\"api_key\": \"s3cr3t\"}"}', "s3cr3t"),
        ("ada:s3cr3t@db.example:5432", "s3cr3t"),
    ],
)
def test_secrets_in_running_text(text: str, secret: str) -> None:
    redacted = PLAIN.text(text)
    assert secret not in redacted
    assert "‹redacted" in redacted


@pytest.mark.parametrize(
    "text",
    [
        "a = b + c",
        "def connect(user: str, token: str) -> None:",
        "the author=Ada wrote max_tokens=4096 words",
        "https://example.org:8080/path?page=3",
        "no such order: 17",
        "ratio 3:4",
        "mailto:ada@example.org",
        "def login(cookie: str, authorization: str | None = None) -> None:",
        "tar --exclude build -czf out.tgz .",
        "lpr --max-tokens 5",
        "",
    ],
)
def test_what_is_no_secret_stays_as_it_is(text: str) -> None:
    assert PLAIN.text(text) == text


def test_known_secrets_are_found_wherever_they_stand() -> None:
    redactor = Redactor(environment={"SERVICE_PASSWORD": "correct horse", "HOME": "/home/ada", "A_TOKEN": "abc"})
    assert redactor.text("user said correct horse battery") == "user said ‹redacted: known secret› battery"
    assert redactor.text("/home/ada abc") == "/home/ada abc", "neither a harmless variable nor a short value"


def test_of_two_known_secrets_the_longer_goes_as_a_whole() -> None:
    redactor = Redactor(environment={"A_TOKEN": "abcdefgh", "B_TOKEN": "abcdefghijkl"})
    assert redactor.text("abcdefghijkl") == "‹redacted: known secret›"


def test_a_known_secret_is_found_in_the_forms_that_texts_give_it() -> None:
    secret = 'it\'s a "word"\\ü'
    redactor = Redactor(environment={"A_PASSWORD": f"  {secret}\n"})
    for form in (secret, repr([secret]), json.dumps({"x": secret}), quote(secret), quote_plus(secret)):
        assert "word" not in redactor.text(f"before {form} after")


def test_of_a_secret_with_several_lines_each_long_one_is_known() -> None:
    redactor = Redactor(environment={"SIGNING_KEY": "-----BEGIN-----\nMIIEowIBAAKCAQEA7\nabc\n"})
    assert redactor.text("x MIIEowIBAAKCAQEA7 y abc") == "x ‹redacted: known secret› y abc"


def test_what_is_cut_shows_no_beginning_of_a_secret() -> None:
    redactor = Redactor(environment={"A_PASSWORD": "correct horse battery"})
    for before in range(80, 101):
        text = "." * before + "correct horse battery" + "." * 2000
        assert "correct" not in redactor.bounded(text, 100)
        assert len(redactor.bounded(text, 100)) <= 100
    key = f"-----BEGIN PRIVATE KEY-----{'A' * 500}-----END PRIVATE KEY-----"
    assert "corr" not in redactor.bounded(key + "." * 48 + "correct horse battery", 100)
    assert redactor.bounded("a" * 5000, 100) == "a" * 100
    assert redactor.bounded("short", 100) == "short"


@given(st.text(max_size=300))
def test_redaction_is_idempotent_and_never_raises(text: str) -> None:
    once = PLAIN.text(text)
    assert PLAIN.text(once) == once


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "=",
        "eyJ",
        "-----BEGIN PRIVATE KEY-----",
        "://",
        "password=",
        "'",
        "sk-a",
        " ",
        ":",
        "-a",
        "--a b ",
        "a:",
        "@",
    ],
)
def test_no_text_takes_more_than_linear_time(piece: str) -> None:
    text = piece * (60_000 // len(piece))
    began = time.thread_time()
    PLAIN.text(text)
    assert time.thread_time() - began < 5
