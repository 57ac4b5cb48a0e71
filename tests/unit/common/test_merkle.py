"""The tree of RFC 6962 against its published vectors and against a naive tree; notes against C2SP's example."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from vigilar_common import merkle, signed_note
from vigilar_common.signed_note import NoteError

# The eight leaves and the roots of the trees of 1 to 8 of them, as every implementation of RFC 6962 tests them.
DATA = [bytes.fromhex(x) for x in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
DATA.append(bytes.fromhex("606162636465666768696a6b6c6d6e6f"))
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [merkle.leaf_hash(data) for data in DATA]
SIZES = st.integers(1, 70)


def leaves(count: int) -> list[bytes]:
    return [merkle.leaf_hash(number.to_bytes(4, "big")) for number in range(count)]


def naive_root(items: list[bytes]) -> bytes:
    if len(items) < 2:
        return items[0] if items else hashlib.sha256().digest()
    split = 1
    while split * 2 < len(items):
        split *= 2
    return merkle.node_hash(naive_root(items[:split]), naive_root(items[split:]))


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_the_published_vectors(size: int) -> None:
    assert merkle.tree_root(LEAVES[:size]).hex() == ROOTS[size - 1]
    assert merkle.Tree(LEAVES).root(size).hex() == ROOTS[size - 1]


def test_the_root_of_no_leaves_is_the_hash_of_nothing() -> None:
    nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert merkle.CompactRange().root().hex() == nothing
    assert merkle.Tree([]).root().hex() == nothing


@settings(max_examples=60, deadline=None)
@given(SIZES)
def test_a_compact_range_taken_up_again_goes_on_as_if_never_put_down(size: int) -> None:
    compact = merkle.CompactRange()
    for leaf in leaves(size):
        compact = merkle.CompactRange(compact.size, compact.hashes)
        compact.append(leaf)
    assert compact.size == size
    assert compact.root() == naive_root(leaves(size)) == merkle.Tree(leaves(size)).root()


@pytest.mark.parametrize(("size", "hashes"), [(2, []), (0, [b"x" * 32]), (1, [b"short"]), (-1, [])])
def test_a_compact_range_that_cannot_be_is_refused(size: int, hashes: list[bytes]) -> None:
    with pytest.raises(ValueError, match="hash"):
        merkle.CompactRange(size, hashes)


@settings(max_examples=100, deadline=None)
@given(SIZES, st.data())
def test_an_inclusion_proof_fits_its_leaf_and_nothing_else(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    items = leaves(size)
    root = naive_root(items)
    proof = merkle.inclusion_proof(items, index, size)
    check = merkle.verify_inclusion
    assert check(items[index], index, size, proof, root)
    assert not check(merkle.leaf_hash(b"other"), index, size, proof, root)
    assert not check(items[index], index, size, [*proof, root], root)
    assert not check(items[index], index, size, proof, bytes(32))
    if proof:
        # The same hash once more at the same place: another index of the same shape must not pass.
        assert not check(items[index], index ^ 1, size, proof, root)
        at = data.draw(st.integers(0, len(proof) - 1))
        bent = [*proof]
        bent[at] = bytes([bent[at][0] ^ 1]) + bent[at][1:]
        assert not check(items[index], index, size, bent, root)
        assert not check(items[index], index, size, proof[:-1], root)
    assert not check(items[index], size, size, proof, root)
    assert not check(items[index], -1, size, proof, root)


@settings(max_examples=100, deadline=None)
@given(SIZES, st.data())
def test_a_consistency_proof_fits_only_the_two_trees_it_is_of(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(0, size))
    items = leaves(size)
    root, old_root = naive_root(items), naive_root(items[:old])
    proof = merkle.consistency_proof(items, old, size)
    assert merkle.verify_consistency(old, size, proof, old_root, root)
    assert not merkle.verify_consistency(old, size, [*proof, root], old_root, root)
    if old:
        changed = [merkle.leaf_hash(b"changed"), *items[1:]]
        assert not merkle.verify_consistency(old, size, proof, old_root, naive_root(changed))
        assert not merkle.verify_consistency(old, size, proof, naive_root(changed[:old]), root)
    for at in range(len(proof)):
        bent = [*proof]
        bent[at] = bytes(32)
        assert not merkle.verify_consistency(old, size, bent, old_root, root)


def test_proofs_of_what_is_not_there_are_refused() -> None:
    tree = merkle.Tree(leaves(5))
    for call in (
        lambda: tree.inclusion_proof(5),
        lambda: tree.inclusion_proof(0, 6),
        lambda: tree.inclusion_proof(-1),
        lambda: tree.consistency_proof(6),
        lambda: tree.root(6),
    ):
        with pytest.raises(ValueError, match=r"leaves|leaf"):
            call()


PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_PRIVATE = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
SAYING = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
)
SIGNATURE = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
NOTE = f"{SAYING}\n\u2014 PeterNeumann {SIGNATURE}\n"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def test_the_published_example_of_a_note_verifies_and_is_signed_the_same() -> None:
    private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(PETER_PRIVATE)[1:])
    assert signed_note.verify_note(NOTE, PETER) == SAYING
    assert signed_note.sign_note(SAYING, "PeterNeumann", private) == NOTE
    assert str(signed_note.verifier_of("PeterNeumann", private)) == PETER


def test_a_note_with_signatures_of_others_too_still_verifies() -> None:
    theirs = signed_note.sign_note(SAYING, "other", KEY).rsplit("\n\n", 1)[1]
    assert signed_note.verify_note(NOTE + theirs, PETER) == SAYING


@pytest.mark.parametrize("at", range(0, len(NOTE), 3))
def test_a_changed_character_of_a_note_is_noticed(at: int) -> None:
    changed = NOTE[:at] + ("a" if NOTE[at] != "a" else "b") + NOTE[at + 1 :]
    with pytest.raises(NoteError):
        signed_note.verify_note(changed, PETER)


@pytest.mark.parametrize(
    "note", ["", "\n", "\n\n", SAYING, f"{SAYING}\n", f"{SAYING}\nnot a line\n", NOTE * 2000]
)
def test_what_is_no_note_is_refused(note: str) -> None:
    with pytest.raises(NoteError):
        signed_note.verify_note(note, PETER)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\n"])
def test_a_name_that_would_break_a_note_is_refused(name: str) -> None:
    with pytest.raises(NoteError, match="name of a key"):
        signed_note.sign_note("text\n", name, KEY)


@pytest.mark.parametrize("text", ["", "no newline", "bell\x07\n"])
def test_text_that_may_not_be_in_a_note_is_refused(text: str) -> None:
    with pytest.raises(NoteError, match="text"):
        signed_note.sign_note(text, "name", KEY)


def test_a_checkpoint_comes_back_as_it_was_signed() -> None:
    made = signed_note.Checkpoint("vigilar/5e0c", 8, bytes.fromhex(ROOTS[7]))
    note = signed_note.sign_checkpoint(made, KEY)
    verifier = str(signed_note.verifier_of("vigilar/5e0c", KEY))
    assert signed_note.verify_checkpoint(note, verifier) == made
    assert note.startswith("vigilar/5e0c\n8\n")


def test_a_checkpoint_of_another_log_or_key_is_refused() -> None:
    note = signed_note.sign_checkpoint(signed_note.Checkpoint("vigilar/a", 1, bytes(32)), KEY)
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    for verifier in (signed_note.verifier_of("vigilar/b", KEY), signed_note.verifier_of("vigilar/a", other)):
        with pytest.raises(NoteError):
            signed_note.verify_checkpoint(note, verifier)
    foreign = signed_note.sign_note(signed_note.checkpoint_text("vigilar/b", 1, bytes(32)), "vigilar/a", KEY)
    with pytest.raises(NoteError, match="is not one of"):
        signed_note.verify_checkpoint(foreign, signed_note.verifier_of("vigilar/a", KEY))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n",
        "a\n1\n",
        "a\n01\nAAAA\n",
        "a\n-1\nAAAA\n",
        "a\n\u0661\nAAAA\n",
        "a\n1\nAAAA\n",
        "a\n1\n!\n",
        "\n1\nAAAA\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        signed_note.parse_checkpoint(text)


@pytest.mark.parametrize("key", ["", "name", "name+00+", "name+00000000+AAAA", PETER.replace("c74f", "c74e")])
def test_what_is_no_verifier_key_is_refused(key: str) -> None:
    with pytest.raises(NoteError):
        signed_note.parse_verifier(key)
