from __future__ import annotations

import inspect
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import errors
from pipeline.constants import MAX_MESSAGE_CHARACTERS
from pipeline.errors import (
    ConfigurationError,
    DataError,
    InternalError,
    MissingColumnError,
    ObjectNotVisibleError,
    PipelineError,
    StepError,
    TooManyRejectsError,
    TransientError,
    UnexpectedError,
    UnreadableFileError,
    client_error_names,
    leaf_names,
    retryable_error_names,
)

CLASSES = [
    cls
    for _, cls in inspect.getmembers(errors, inspect.isclass)
    if issubclass(cls, PipelineError) and cls is not PipelineError
]


def documented_parents() -> dict[str, str]:
    """Parent of each class, as the tree in the module's docstring draws it."""
    parents, path = {}, ["PipelineError"]
    for line in (errors.__doc__ or "").splitlines():
        drawn = re.match(r"^( {4}[ │├└─]*[├└]── )(\w+Error)\b", line)
        if drawn:
            depth = len(drawn[1]) // 4 - 1
            parents[drawn[2]] = path[depth - 1]
            path[depth:] = [drawn[2]]
    return parents


def documented_status() -> dict[str, int]:
    """Status codes that the tree writes beside its main branches."""
    found = re.findall(r"[├└]── (\w+Error)\s+(\d{3})\b", errors.__doc__ or "")
    return {name: int(code) for name, code in found}


def test_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    assert documented_parents() == {cls.__name__: cls.__base__.__name__ for cls in CLASSES}


def test_documented_status_codes_are_the_classes() -> None:
    assert documented_status() == {
        cls.__name__: cls.status_code for cls in PipelineError.__subclasses__()
    }


@pytest.mark.parametrize("cls", CLASSES)
def test_status_code_is_that_of_the_main_branch(cls: type[PipelineError]) -> None:
    branch = next(b for b in PipelineError.__subclasses__() if issubclass(cls, b))
    assert cls.status_code == documented_status()[branch.__name__]


@pytest.mark.parametrize("cls", CLASSES)
def test_each_class_says_in_words_what_it_means(cls: type[PipelineError]) -> None:
    assert (cls.__doc__ or "").strip().endswith(".")


def test_leaf_names_are_the_classes_without_subclasses() -> None:
    drawn = documented_parents()
    expected = {name for name in drawn if name not in drawn.values()}

    assert set(leaf_names(PipelineError)) == expected
    assert len(leaf_names(PipelineError)) == len(expected)
    assert leaf_names(ObjectNotVisibleError) == ("ObjectNotVisibleError",)
    assert "UnreadableFileError" not in leaf_names(DataError)
    assert set(leaf_names(UnreadableFileError)) <= set(leaf_names(DataError))


def test_only_transient_errors_and_lambdas_own_are_retried() -> None:
    ours = {name for name in retryable_error_names() if "." not in name}
    theirs = set(retryable_error_names()) - ours

    assert ours == {cls.__name__ for cls in CLASSES if cls.__base__ is TransientError}
    # The four that the Step Functions developer guide recommends to retry, and a killed process.
    assert theirs == {
        "Lambda.ServiceException",
        "Lambda.AWSLambdaException",
        "Lambda.SdkClientException",
        "Lambda.TooManyRequestsException",
        "Runtime.ExitError",
    }


def test_client_errors_are_those_of_data_and_configuration() -> None:
    by_status = {cls.__name__ for cls in CLASSES if cls.status_code == 400}
    inner = {
        "DataError",
        "ConfigurationError",
        "UnreadableFileError",
        "FileLimitError",
        "BucketLookupError",
    }

    assert set(client_error_names()) == by_status - inner
    assert not set(client_error_names()) & set(retryable_error_names())
    assert not set(client_error_names()) & set(leaf_names(InternalError))


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PipelineError("It broke."), "It broke."),
        (PipelineError("It broke.", remedy="Mend it."), "It broke. Mend it."),
        (PipelineError("It broke.").located("File x"), "File x: It broke."),
        (PipelineError("It broke.").located("A").located("B"), "A: It broke."),
        (PipelineError("It broke.", remedy="Mend it.").located("X"), "X: It broke. Mend it."),
    ],
)
def test_message_is_context_reason_and_remedy(error: PipelineError, message: str) -> None:
    assert str(error) == message


def test_an_error_that_knows_its_run_is_a_document() -> None:
    run = {"run_id": "0", "rows": {"read": 3}, "source": {"key": "größe"}}
    error = StepError('It "broke".', remedy="Mend it.").located("File x").reporting(run)

    assert json.loads(str(error)) == {"message": 'File x: It "broke". Mend it.', "run": run}
    assert "größe" in str(error)
    assert error.message == 'File x: It "broke". Mend it.'


@given(st.text(st.characters(), max_size=9).map(lambda text: text * 2_000), st.booleans())
def test_message_of_any_characters_has_room_in_the_answer(text: str, ascii_only: bool) -> None:
    error = UnexpectedError(text, remedy="Mend it.").located("File x").reporting({})

    answer = json.dumps({"errorMessage": str(error)}, ensure_ascii=ascii_only)

    assert len(answer) < 8_100
    assert json.loads(str(error))["message"] == error.message
    known = text.encode("utf-8", "replace").decode()
    assert f"File x: {known} Mend it.".startswith(error.message) or not text


def test_half_a_surrogate_pair_is_no_text() -> None:
    assert PipelineError("a\ud800b").message == "a?b"


@pytest.mark.parametrize("length", [MAX_MESSAGE_CHARACTERS, 10**6])
def test_message_is_bounded(length: int) -> None:
    error = UnexpectedError("x" * length, remedy="y" * length).located("where")

    assert len(str(error)) == MAX_MESSAGE_CHARACTERS
    assert str(error).startswith("where: x")


def test_errors_keep_what_they_were_raised_with() -> None:
    missing = MissingColumnError("r", columns=("a", "b"))
    many = TooManyRejectsError("r", rejected=3, read=4)
    step = StepError("r", step="derive x")

    assert missing.columns == ("a", "b")
    assert (many.rejected, many.read) == (3, 4)
    assert step.step == "derive x"
    assert isinstance(step, ConfigurationError)
    assert (step.reason, step.remedy) == ("r", "")
