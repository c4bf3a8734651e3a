from __future__ import annotations

import io
import mailbox
import random
import tracemalloc
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.errors import LoadError
from docindex.loaders.mail import EmailLoader, MboxLoader
from docindex.loaders.mail_flowed import unflow
from docindex.loaders.mbox import split_mbox
from docindex.loaders.registry import default_registry
from docindex.protocols import Loaded, Loader
from docindex.schema import Document, Limits, LoadOptions, Problem, Source, Unread
from docindex.testing.loader_contract import LoaderContract

REGISTRY = default_registry()
Read = Callable[..., list[Loaded]]


def message(subject: str = "The plan", text: str = "We meet at noon.\n", **headers: str) -> EmailMessage:
    made = EmailMessage()
    made["From"] = "Änne <anne@example.org>"
    made["To"] = '"Smith, Bob" <bob@example.org>, carol@example.org'
    made["Subject"] = subject
    made["Date"] = "Wed, 31 Jan 2024 13:00:00 +0100"
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return made


def with_attachments() -> EmailMessage:
    made = message(Message_ID="<1@example.org>")
    made.add_attachment("a,b\n1,2\n", subtype="csv", filename="tàble.csv")
    return made


def mbox(*messages: EmailMessage | bytes) -> bytes:
    data = io.BytesIO()
    for each in messages:
        text = each if isinstance(each, bytes) else each.as_bytes()
        data.write(b"From someone Wed Jan 31 13:00:00 2024\n" + text + b"\n")
    return data.getvalue()


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def load(content: EmailMessage | bytes, name: str = "a.eml", **options: object) -> list[Loaded]:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.as_bytes())
        media_type = "application/mbox" if name.endswith(".mbox") else "message/rfc822"
        return list(REGISTRY.load(Source(name, path, media_type, LoadOptions(**options))))

    return load


def told(loaded: Sequence[Loaded]) -> dict[str, str]:
    return {item.source: item.reason for item in loaded if not isinstance(item, Document)}


def ids(loaded: Sequence[Loaded]) -> list[str]:
    return [item.doc_id for item in loaded if isinstance(item, Document)]


def body(loaded: Sequence[Loaded]) -> str:
    """The text below the headers."""
    assert isinstance(loaded[0], Document)
    return loaded[0].text.partition("\n\n")[2]


class TestEmailLoader(LoaderContract):
    media_type = "message/rfc822"
    suffix = ".eml"

    def loader(self) -> Loader:
        return EmailLoader(REGISTRY)

    def write(self, path: Path) -> None:
        path.write_bytes(message(text="Hello.\n\nHow are you?\n").as_bytes())


class TestMboxLoader(LoaderContract):
    media_type = "application/mbox"
    suffix = ".mbox"
    container = True

    def loader(self) -> Loader:
        return MboxLoader(REGISTRY)

    def write(self, path: Path) -> None:
        path.write_bytes(mbox(with_attachments(), message("Two", Message_ID="<2@example.org>"), message("Three")))

    def test_says_where_documents_come_from(self, tmp_path: Path) -> None:
        documents = [item for item in self.load(tmp_path) if isinstance(item, Document)]
        first = "folder/sample.mbox/1@example.org"
        assert [document.source for document in documents][:3] == [
            first,
            f"{first}/tàble.csv",
            "folder/sample.mbox/2@example.org",
        ]
        assert [document.media_type for document in documents] == [
            *("message/rfc822", "text/csv", "message/rfc822", "message/rfc822")
        ]


def test_headers_are_metadata_and_text(read):
    made = message(Message_ID="<1@x>", In_Reply_To="<0@x>", References="<a@x>  <0@x>", Cc="dan@example.org")
    [document] = read(made)
    assert document.title == "The plan"
    assert document.metadata == {
        "subject": "The plan",
        "from": "Änne <anne@example.org>",
        "to": ("Smith, Bob <bob@example.org>", "carol@example.org"),
        "cc": ("dan@example.org",),
        "date": datetime(2024, 1, 31, 12, tzinfo=UTC),
        "message_id": "1@x",
        "in_reply_to": "0@x",
        "references": ("a@x", "0@x"),
    }
    assert document.text == (
        "From: Änne <anne@example.org>\n"
        "To: Smith, Bob <bob@example.org>, carol@example.org\n"
        "Cc: dan@example.org\n"
        "Date: 2024-01-31 12:00 UTC\n"
        "Subject: The plan\n\n"
        "We meet at noon."
    )


@pytest.mark.parametrize(
    ("raw", "subject"),
    [
        (b"=?utf-8?B?Z3LDvMOf?= =?utf-8?Q?_Gott?=", "grüß Gott"),
        (b"=?iso-8859-1?Q?gr=FC=DF?=", "grüß"),
        (b"=?x-unknown?Q?gr=C3=BC=C3=9F?=", "grüß"),
        (b"=?utf-8?Q?gr=FC=DF?=", "grüß"),
        ("grüß".encode(), "grüß"),
        ("grüß".encode("latin-1"), "grüß"),
        (b"one\r\n two\r\n\tthree", "one two three"),
        (b"=?utf-8?B?broken", "=?utf-8?B?broken"),
        (b"=?utf-8?B?Z?=", "=?utf-8?B?Z?="),
    ],
)
def test_subjects_in_every_encoding(read, raw, subject):
    [document] = read(b"From: a@example.org\r\nSubject: " + raw + b"\r\n\r\nText.\r\n")
    assert document.title == subject


@pytest.mark.parametrize(
    ("written", "date"),
    [
        ("Wed, 31 Jan 2024 13:00:00 +0100", datetime(2024, 1, 31, 12, tzinfo=UTC)),
        ("31 Jan 2024 13:00:00 -0000", datetime(2024, 1, 31, 13, tzinfo=UTC)),
        ("Wed, 31 Jan 2024 13:00:00 GMT (UTC)", datetime(2024, 1, 31, 13, tzinfo=UTC)),
        ("Wed, 99 Jan 2024 13:00:00 +0100", None),
        ("Wed, 31 Jan 2024 13:00:00 +99999999", None),
        ("yesterday", None),
    ],
)
def test_dates(read, written, date):
    [document] = read(f"From: a@example.org\nDate: {written}\n\nText.\n".encode())
    assert document.metadata.get("date") == date


def test_many_recipients_are_shown_in_part(read):
    [document] = read(
        f"From: a@b\nTo: {', '.join(f'p{number}@example.org' for number in range(5000))}\n\nHi\n".encode()
    )
    assert len(document.metadata["to"]) == 100
    assert "p9@example.org and 90 more" in document.text


@pytest.mark.parametrize(
    ("charset", "data", "text"),
    [
        ("utf-8", "grüß".encode(), "grüß"),
        ("iso-8859-15", "10 €".encode("iso-8859-15"), "10 €"),
        ("us-ascii", "grüß".encode("cp1252"), "grüß"),
        ("iso-8859-1", "grüß Gott".encode(), "grüß Gott"),
        ("x-unheard-of", "grüß Gott".encode(), "grüß Gott"),
        ("koi8-r", "привет".encode("koi8-r"), "привет"),
    ],
)
def test_charsets(read, charset, data, text):
    head = f"From: a@b\nContent-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: 8bit\n\n"
    assert body(read(head.encode() + data)) == text


def test_the_plain_form_is_read_unless_it_is_a_stub(read):
    made = message(text="The plain form has all that there is to say.\n")
    made.add_alternative("<p>The <b>rich</b> form has all that there is to say.</p>", subtype="html")
    assert body(read(made)) == "The plain form has all that there is to say."
    for stub in ("", "Your program shows no HTML.\n"):
        made = message(text=stub)
        made.add_alternative(f"<h1>News</h1><p>{'word ' * 50}</p><p hidden>secret</p>", subtype="html")
        loaded = read(made)
        assert body(loaded) == f"News\n\n{('word ' * 50).strip()}"
        [document] = loaded
        [heading] = document.headings
        assert document.text[heading.start :].startswith("News")


def test_html_alone_is_read_with_its_structure(read):
    made = message(text="")
    made.set_content("<h2>Größe</h2><ul><li>one<li>two</ul>", subtype="html", charset="iso-8859-1")
    [document] = read(made)
    assert body([document]) == "Größe\n\n- one\n- two"
    assert [(heading.level, heading.text) for heading in document.headings] == [(2, "Größe")]


def test_flowed_text(read):
    head = b"From: a@b\nContent-Type: text/plain; format=flowed\n\n"
    made = head + b"One line \nand more \nof it.\n> quoted \n> text\n-- \nAnn\n"
    assert body(read(made)) == "One line and more of it.\n> quoted text\n-- \nAnn"


@pytest.mark.parametrize(
    ("text", "delete_space", "whole"),
    [
        ("a \nb", False, "a b"),
        ("a \nb", True, "ab"),
        (" From here\n >not quoted", False, "From here\n>not quoted"),
        ("> a \n>> b \n>> c", False, "> a\n>> b c"),
        ("a \n-- \nb", False, "a\n-- \nb"),
        ("", False, ""),
    ],
)
def test_unflow(text, delete_space, whole):
    assert unflow(text, delete_space=delete_space) == whole


@settings(deadline=None, max_examples=100)
@given(st.text("ab >\n-", max_size=40), st.booleans())
def test_unflow_keeps_all_words(text, delete_space):
    squeezed = "".join(text.replace(">", "").split())
    assert "".join(unflow(text, delete_space=delete_space).replace(">", "").split()) == squeezed


def test_quoted_replies_are_kept(read):
    assert body(read(message(text="Yes.\n\n> Shall we?\n> Now?\n"))) == "Yes.\n\n> Shall we?\n> Now?"


def test_attachments_are_documents(read):
    made = with_attachments()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("in/deep.txt", "Deep text.")
    made.add_attachment(archive.getvalue(), maintype="application", subtype="zip", filename="../up/a.zip")
    made.add_attachment(b"Notes.", maintype="application", subtype="octet-stream", filename="notes.txt")
    made.add_attachment(b"Other notes.", maintype="application", subtype="octet-stream", filename="notes.txt")
    made.add_attachment(b"\x00\x01", maintype="application", subtype="x-strange", filename="blob")
    made.add_attachment(b"%PDF-1.4", maintype="application", subtype="pdf")
    made.add_attachment(b"", maintype="text", subtype="plain", filename="empty.txt")
    loaded = read(made)
    assert ids(loaded) == [
        *("a.eml", "a.eml/tàble.csv", "a.eml/.._up_a.zip/in/deep.txt", "a.eml/notes.txt", "a.eml/notes (2).txt")
    ]
    assert all(document.source == document.doc_id for document in loaded if isinstance(document, Document))
    reasons = told(loaded)
    assert set(reasons) == {"a.eml/blob", "a.eml/application-6.pdf", "a.eml/empty.txt"}
    assert "unknown type" in reasons["a.eml/blob"]
    assert [item.source for item in loaded if isinstance(item, Problem)] == ["a.eml/application-6.pdf"]


def test_pictures_in_the_text_are_told_of(read):
    made = message(text="")
    made.set_content("<p>See <img src='cid:1'></p>", subtype="html")
    made.add_related(b"\x89PNG\r\n\x1a\n", maintype="image", subtype="png", cid="<1>")
    made.make_mixed()
    made.add_attachment(b"\x89PNG\r\n\x1a\n", maintype="image", subtype="png", disposition="inline", filename="l.png")
    loaded = read(made)
    assert body(loaded) == "See"
    assert loaded[1:] == [
        Unread("a.eml/image-1.png", "an image in the text"),
        Unread("a.eml/l.png", "an image in the text"),
    ]


def test_the_invitation_beside_the_text_is_an_attachment(read):
    made = message()
    made.add_alternative("<p>We meet at noon.</p>", subtype="html")
    made.add_alternative("BEGIN:VCALENDAR\nSUMMARY:Lunch\nEND:VCALENDAR\n", subtype="calendar", filename="a.ics")
    loaded = read(made)
    assert body(loaded) == "We meet at noon."
    assert [item.source for item in loaded[1:]] == ["a.eml/a.ics"]


def test_files_beside_the_rich_form(read):
    """As Apple Mail writes them: alternative [plain, mixed [html, file, html]]."""
    rich = EmailMessage()
    rich.set_content("<p>First half</p>", subtype="html")
    rich.make_mixed()
    rich.add_attachment(b"Inside.", maintype="text", subtype="plain", filename="in.txt")
    second = EmailMessage()
    second.set_content("<p>second half</p>", subtype="html")
    rich.attach(second)
    made = message(text="Stub\n")
    made.make_alternative()
    made.attach(rich)
    loaded = read(made)
    assert body(loaded) == "First half\n\nsecond half"
    assert ids(loaded) == ["a.eml", "a.eml/in.txt"]


def test_messages_in_messages(read):
    inner = message("Inner", "The inner text.\n")
    inner.add_attachment("The innermost text.\n", filename="in.txt")
    outer = message("Outer", "The outer text.\n")
    outer.add_attachment(inner)
    loaded = read(outer)
    assert ids(loaded) == ["a.eml", "a.eml/message-1.eml", "a.eml/message-1.eml/in.txt"]
    assert [document.title for document in loaded][:2] == ["Outer", "Inner"]
    assert body(loaded[1:2]) == "The inner text."
    for depth in (0, 1):
        loaded = read(outer, limits=Limits(depth=depth))
        assert len(ids(loaded)) == depth + 1
        assert "raise the limit depth" in next(iter(told(loaded).values()))


def test_a_message_that_came_packed(read):
    packed = (
        b"From: a@b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n"
        b"RnJvbTogYkBjClN1YmplY3Q6IElubmVyCgpUZXh0Lgo=\n"
    )
    loaded = read(packed)
    assert [item.title for item in loaded] == ["", "Inner"]


def test_signed_and_encrypted_parts_are_told_of(read):
    signed = (
        b'From: a@b\nContent-Type: multipart/signed; boundary="x"\n\n--x\n\nSigned text.\n--x\n'
        b"Content-Type: application/pgp-signature; name=s.asc\n\n-----BEGIN PGP SIGNATURE-----\n--x--\n"
    )
    loaded = read(signed)
    assert body(loaded) == "Signed text."
    assert told(loaded) == {"a.eml/s.asc": "a signature or key"}
    pgp = b'From: a@b\nSubject: S\nContent-Type: multipart/encrypted; boundary="x"\n\n--x\n\nVersion: 1\n--x--\n'
    smime = b"From: a@b\nSubject: S\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nMIIB\n"
    armored = b"From: a@b\nSubject: S\n\n-----BEGIN PGP MESSAGE-----\n\nhQEM\n-----END PGP MESSAGE-----\n"
    for data in (pgp, smime, armored):
        document, unread = read(data)
        assert document.text == "From: a@b\nSubject: S"
        assert isinstance(unread, Unread)
        assert "encrypted" in unread.reason


def test_bounces_say_why(read):
    report = (
        b'From: a@b\nContent-Type: multipart/report; boundary="x"\n\n--x\n\nIt did not arrive.\n'
        b"--x\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\nStatus: 5.1.1\n"
        b"--x\nContent-Type: message/rfc822\n\nFrom: b@c\nSubject: Lost\n\nText\n--x--\n"
    )
    loaded = read(report)
    assert "Status: 5.1.1" in body(loaded)
    assert [item.title for item in loaded] == ["", "Lost"]


@pytest.mark.parametrize("data", [b"", b"Just a text.\n", b"name: value\n\nText\n", bytes(range(256)) * 9])
def test_what_is_no_message_is_refused(read, data):
    with pytest.raises(LoadError, match=r"^a.eml: has none of the headers"):
        read(data)


def test_too_large_and_too_deep(read):
    with pytest.raises(LoadError, match="larger than the 1 MiB"):
        read(message(text="x" * (1 << 20)), limits=Limits(memory_bytes=16 << 20))
    deep = b"From: a@b\n" + b"".join(
        b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (number, number) for number in range(3000)
    )
    with pytest.raises(LoadError, match=r"^a.eml: "):
        read(deep)


def test_attachments_are_bounded_together(read):
    made = message()
    for number in range(4):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("a.txt", b"word " * 1_000_000)
        made.add_attachment(archive.getvalue(), maintype="application", subtype="zip", filename=f"{number}.zip")
    with pytest.raises(LoadError, match=r"^a.eml: .*inflated_bytes"):
        read(made, limits=Limits(inflated_bytes=12_000_000, inflation=10_000))


# --- mailboxes -------------------------------------------------------------------------------------------------------


def test_messages_keep_their_ids_when_others_come_and_go(read):
    one, two = message("One", Message_ID="<1/a@x>"), message("Two", text="No id.\n")
    three = message("Three", text="No id either.\n")
    first = ids(read(mbox(one, two), "m.mbox"))
    assert first[0] == "m.mbox/1_a@x"
    assert ids(read(mbox(three, one, two), "m.mbox"))[1:] == first
    assert ids(read(mbox(two), "m.mbox")) == first[1:]
    seen = b"Status: RO\nX-Mozilla-Status: 0001\n" + two.as_bytes()
    assert ids(read(mbox(seen), "m.mbox")) == first[1:]


def test_messages_with_the_same_id(read):
    one, other = message("One", Message_ID="<1@x>"), message("Other", Message_ID="<1@x>")
    found = ids(read(mbox(one, other, other), "m.mbox"))
    assert found[0] == "m.mbox/1@x"
    assert len(set(found)) == 3
    assert ids(read(mbox(one, other), "m.mbox")) == found[:2]


def test_lines_that_begin_with_from(read):
    quoted = b"From: a@b\n\nFirst.\n>From here on.\n>>From there.\n"
    unquoted = b"From: a@b\n\nSecond.\n\nFrom our own correspondent, a report.\n"
    loaded = read(mbox(quoted, unquoted), "m.mbox")
    assert [body([item]) for item in loaded] == [
        "First.\nFrom here on.\n>From there.",
        "Second.\n\nFrom our own correspondent, a report.",
    ]
    undated = b"From a\nFrom: a@b\n\nOne.\n\nFrom b\nFrom: a@b\n\nTwo.\n"
    assert [body([item]) for item in read(undated, "m.mbox")] == ["One.", "Two."]
    cut = mbox(quoted)[:-9] + b"\n" + mbox(unquoted)
    assert len(read(cut, "m.mbox")) == 2
    windows = mbox(quoted, unquoted).replace(b"\n", b"\r\n")
    assert [body([item]) for item in read(windows, "m.mbox")] == [body([item]) for item in loaded]


def test_a_mailbox_as_python_writes_it(read, tmp_path):
    box = mailbox.mbox(tmp_path / "made.mbox")
    texts = ["From me to you.\n", "Two\n\nFrom Wed Jan 31 13:00:00 2024\n", "Three\n"]
    for text in texts:
        box.add(message(text=text))
    box.close()
    loaded = read((tmp_path / "made.mbox").read_bytes(), "m.mbox")
    assert [body([item]) for item in loaded] == [text.rstrip() for text in texts]


def test_one_bad_message_does_not_cost_the_others(read):
    large = message("Large", text="word " * 300_000, Message_ID="<large@x>")
    loaded = read(
        mbox(message("One"), b"no headers at all\n", large, message("Two")),
        "m.mbox",
        limits=Limits(memory_bytes=16 << 20),
    )
    assert [item.title for item in loaded if isinstance(item, Document)] == ["One", "Two"]
    problems = [item for item in loaded if isinstance(item, Problem)]
    assert "headers" in problems[0].reason
    assert (problems[1].source, "larger than the 1 MiB" in problems[1].reason) == ("m.mbox/large@x", True)


@pytest.mark.parametrize("data", [b"", b"\n\n", b"Just a text.\n\nFrom x Wed Jan 31 13:00:00 2024\n"])
def test_what_is_no_mailbox_is_refused(read, data):
    with pytest.raises(LoadError, match="is not an mbox file"):
        read(data, "m.mbox")


def test_a_mailbox_is_never_held_whole():
    one = mbox(message(text="word " * 2000))
    count = 3000

    class Endless(io.RawIOBase):
        left = count
        rest = b""

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray) -> int:
            if not self.rest and self.left:
                self.left -= 1
                self.rest = one
            part, self.rest = self.rest[: len(buffer)], self.rest[len(buffer) :]
            buffer[: len(part)] = part
            return len(part)

    tracemalloc.start()
    try:
        assert sum(1 for _ in split_mbox(io.BufferedReader(Endless()), 1 << 20)) == count
        assert tracemalloc.get_traced_memory()[1] < 2_000_000 < len(one) * count / 10
    finally:
        tracemalloc.stop()
    nothing = io.BytesIO(b"From x Wed Jan 31 13:00:00 2024\n" + b"x" * 5_000_000)
    [raw] = split_mbox(nothing, 100_000)
    assert not raw.whole
    assert len(raw.data) <= 100_000


def damaged(seed: int) -> bytes:
    made = with_attachments()
    made.add_alternative("<p>Hi</p>", subtype="html") if not made.is_multipart() else None
    inner = message("Inner")
    inner.add_attachment(b"PK", maintype="application", subtype="zip", filename="z.zip")
    made.add_attachment(inner)
    data = bytearray(made.as_bytes())
    chance = random.Random(seed)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(data))
        match chance.randrange(3):
            case 0:
                data[at] = chance.randrange(256)
            case 1:
                del data[at : at + chance.randint(1, 40)]
            case _:
                data[at:at] = chance.choice(
                    [b"\n\n", b"=?utf-8?B?", b'"', b"<", b"\xff", b"; charset=x", b"multipart/"]
                )
    return bytes(data)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**9))
def test_random_damage_is_a_load_error_or_a_problem(tmp_path_factory, seed):
    path = tmp_path_factory.getbasetemp() / "damaged.mbox"
    path.write_bytes(mbox(damaged(seed), message("After", Message_ID="<after@x>")))
    loaded = list(MboxLoader(REGISTRY).load(Source("m.mbox", path, "application/mbox")))
    assert all(isinstance(item, Document | Problem | Unread) for item in loaded)
    assert "m.mbox/after@x" in ids(loaded)
    path.write_bytes(damaged(seed))
    failed = ""
    try:
        for item in EmailLoader(REGISTRY).load(Source("a.eml", path, "message/rfc822")):
            assert isinstance(item, Document | Problem | Unread)
    except LoadError as error:
        failed = error.source
    assert failed in ("", "a.eml")
