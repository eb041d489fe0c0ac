"""Bad arguments of `cp.lab` and `clearprop lab` end with one sentence, before anything is served."""

import pytest
from typer.testing import CliRunner

import clearprop as cp
from clearprop.cli import app
from clearprop.errors import ClearpropError


@pytest.mark.parametrize(
    "given",
    [
        {"net": "net"}, {"net": 3}, {"data": [1, 2]}, {"port": -1}, {"port": 70_000}, {"port": "x"}, {"port": None},
        {"browser": "yes"}, {"state": {"colour": 1}}, {"state": [1]}, {"state": {"settings": {"hidden": [1000]}}}, {"say": 3},
        {"net": cp.mlp([3, 2])}, {"net": cp.mlp([2, 100, 2])},
    ],
    ids=str,
)  # fmt: skip
def test_a_bad_argument_is_one_sentence(given):
    with pytest.raises(ClearpropError) as raised:
        cp.lab(**({"browser": False, "say": lambda address: pytest.fail("it serves")} | given))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "words",
    [
        ["nosuch"],
        ["xor", "--port", "-1"],
        ["xor", "--port", "99999"],
        ["xor", "--port", "x"],
        ["xor", "--target", "y"],
        ["/dev/null"],
        [""],
    ],
    ids=str,
)
def test_a_bad_word_is_one_sentence_and_status_2(words):
    result = CliRunner().invoke(app, ["lab", "--no-browser", *words])
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
