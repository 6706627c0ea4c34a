"""What a framework's route could not take of a request, as an error of ours."""

from __future__ import annotations

from fastapi.exceptions import RequestValidationError

from server.errors import BadRequest, FieldError, GridBearError, ValidationFailed
from server.problem_words import problem_words


def refused_values(error: RequestValidationError) -> GridBearError:
    """Which fields are wrong and why. A body that is no JSON, or is not sent as JSON, is told as such."""
    problems = error.errors()
    if any(problem["type"] == "json_invalid" for problem in problems):
        return BadRequest("The body is no valid JSON.", code="invalid_json")
    if isinstance(error.body, bytes) and any(tuple(problem["loc"]) == ("body",) for problem in problems):
        # The framework reads only what says that it is JSON; curl and the like say that it is a form.
        return ValidationFailed(
            "The body is wanted as JSON, with the header Content-Type: application/json.", code="json_wanted"
        )
    fields = {
        ".".join(str(part) for part in problem["loc"][1:]) or "body": FieldError(
            str(problem["type"]), problem_words(problem)
        )
        for problem in problems
    }
    return ValidationFailed("; ".join(f"{name}: {field.message}" for name, field in fields.items()), fields=fields)
