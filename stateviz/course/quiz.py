"""A prediction that is committed before the answer can be seen."""

from __future__ import annotations

import html
import os
import random
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets
from IPython.display import display

_STYLE = """<style>
.stateviz-quiz { max-width: 52rem; padding: 0.75rem 1rem; border-radius: 8px;
  border: 1px solid var(--jp-border-color1, #80808080); }
.stateviz-quiz .widget-html-content { color: var(--jp-content-font-color1); line-height: 1.5; }
.stateviz-quiz .widget-radio, .stateviz-quiz .widget-radio-box { width: 100%; height: auto; }
.stateviz-quiz .widget-radio-box label { white-space: normal; height: auto; line-height: 1.5;
  padding: 0.25rem 0; font-size: var(--jp-content-font-size1, 14px);
  color: var(--jp-content-font-color1);
  /* The radio button comes last in the page: keep it left of the first line of a long option. */
  display: flex; flex-direction: row-reverse; justify-content: flex-end; align-items: flex-start; }
.stateviz-quiz .widget-radio-box input[type="radio"] { flex: none; height: 1.5em;
  margin: 0 0.6rem 0 0; }
/* Browsers draw a locked radio button in faint grey. */
.stateviz-quiz .widget-radio-box label:has(input:checked:disabled) { font-weight: bold; }
.stateviz-quiz .widget-button { width: auto; min-height: 34px; border-radius: 6px; }
</style>"""


class Prediction(ipywidgets.VBox):  # type: ignore[misc]
    """A question whose answer is shown only after the reader has committed a prediction.

    Every option has a feedback that names the belief behind it. A committed choice cannot be
    changed, but the reader may try again; what was answered first stays in `attempts`, and in the
    notebook when it is saved and opened again.

    Args:
        question: The question.
        options: The feedback on each option, by the option's text. They stand in an order of their
            own, which the question's text decides.
        answer: The right option; None where only the teacher knows it, as in a student's copy.
        class_mode: Hold the feedback back until `reveal` is called, or the button is pressed. None
            means what the environment variable STATEVIZ_CLASS_MODE says: 1 is yes.

    Raises:
        TypeError: The options are not a mapping of texts to texts.
        ValueError: There are fewer than two options, one of them is empty, has no feedback or
            reads like another, or the answer is none of them.

    Example:
        >>> prediction = Prediction(
        ...     "1 + 1?", {"2": "Yes.", "11": "You joined the digits."}, answer="2"
        ... )
        >>> prediction.choose("11")
        >>> prediction.commit()
        >>> prediction.correct, prediction.feedback
        (False, 'You joined the digits.')
        >>> prediction
        Prediction('1 + 1?', 2 options)
    """

    def __init__(
        self,
        question: str,
        options: Mapping[str, str],
        *,
        answer: str | None,
        class_mode: bool | None = None,
    ) -> None:
        _refuse_unfit(options, answer)
        if class_mode is None:
            class_mode = os.environ.get("STATEVIZ_CLASS_MODE") == "1"
        self.question = question
        self.options = _mixed(options, question)
        self.answer = answer
        self.class_mode = class_mode
        self._attempts: list[str] = []
        self._committed = False
        self._revealed = False
        self._display_id: str | None = None

        self._choices = ipywidgets.RadioButtons(
            options=list(self.options), value=None, description=""
        )
        self._choices.tooltip = question
        self._commit_button = ipywidgets.Button(
            description="Commit my prediction", button_style="primary"
        )
        self._again_button = ipywidgets.Button(description="Try again")
        self._reveal_button = ipywidgets.Button(description="Reveal the answer")
        self._verdict = ipywidgets.HTML()
        self._choices.observe(self._choice_changed, names="value")
        self._commit_button.on_click(lambda _: self._clicked(self.commit))
        self._again_button.on_click(lambda _: self.try_again())
        self._reveal_button.on_click(lambda _: self._clicked(self.reveal))
        buttons = ipywidgets.HBox([self._commit_button, self._reveal_button, self._again_button])
        buttons.layout.flex_flow = "row wrap"
        super().__init__(
            [
                ipywidgets.HTML(f"{_STYLE}<b>{html.escape(question)}</b>"),
                self._choices,
                buttons,
                self._verdict,
            ]
        )
        self.add_class("stateviz-quiz")
        self._show()

    @property
    def chosen(self) -> str | None:
        """The option that is chosen now."""
        chosen: str | None = self._attempts[-1] if self._committed else self._choices.value
        return chosen

    @property
    def committed(self) -> bool:
        """Whether the present choice can no longer be changed."""
        return self._committed

    @property
    def revealed(self) -> bool:
        """Whether the feedback can be seen."""
        return self._revealed

    @property
    def attempts(self) -> tuple[str, ...]:
        """What was committed, in order."""
        return tuple(self._attempts)

    @property
    def correct(self) -> bool | None:
        """Whether the committed choice is right; None before, or where nobody here knows."""
        known = self._committed and self.answer is not None
        return self.chosen == self.answer if known else None

    @property
    def feedback(self) -> str:
        """The feedback on the committed choice; empty before it may be seen."""
        return self.options[self.chosen] if self._revealed and self.chosen else ""

    def choose(self, option: str) -> None:
        """Chooses an option, as a click on it does."""
        if option not in self.options:
            raise ValueError(f"{option!r} is not one of the options {list(self.options)}.")
        if self._committed:
            raise ValueError(
                f"{self.chosen!r} is committed and cannot be changed. Call try_again() first."
            )
        self._choices.value = option

    def commit(self) -> None:
        """Commits the choice and, outside of class mode, reveals the feedback."""
        if self.chosen is None:
            raise ValueError("Nothing is chosen yet. Call choose(option) before commit().")
        if self._committed:
            return
        self._attempts.append(self.chosen)
        self._committed = True
        if self.class_mode or self.answer is None:
            self._show()
        else:
            self.reveal()

    def reveal(self) -> None:
        """Shows the feedback on a committed choice."""
        if not self._committed:
            raise ValueError("Nothing is committed yet. Call commit() before reveal().")
        if self.answer is None:
            raise ValueError("This copy does not hold the answer. Ask your teacher.")
        self._revealed = True
        self._show()

    def try_again(self) -> None:
        """Begins a new attempt; the old ones stay in `attempts`."""
        self._committed = self._revealed = False
        self._choices.value = None
        self._show()

    def _clicked(self, act: Callable[[], None]) -> None:
        """Acts, and writes the answer into the cell's output, which the notebook keeps.

        A widget is gone when the notebook is opened again; the HTML beside it stays. In a cell
        that answers the question from Python nothing is rewritten: nbval would not follow.
        """
        act()
        if self._display_id is not None:
            display(self._bundle(), raw=True, display_id=self._display_id, update=True)

    def _ipython_display_(self) -> None:
        self._display_id = self._display_id or uuid.uuid4().hex
        display(self._bundle(), raw=True, display_id=self._display_id)

    def _choice_changed(self, _: object) -> None:
        # A click can be under way in the browser while the commit locks the choice.
        if self._committed:
            self._choices.value = self.chosen
        self._show()

    def _show(self) -> None:
        self._choices.disabled = self._committed
        self._commit_button.disabled = self.chosen is None
        self._commit_button.layout.display = "none" if self._committed else ""
        waits = self._committed and not self._revealed and self.answer is not None
        self._reveal_button.layout.display = "" if waits else "none"
        self._again_button.layout.display = "" if self._revealed and not self.correct else "none"
        self._verdict.value = self._verdict_html()

    def _verdict_html(self) -> str:
        if not self._committed:
            return ""
        if not self._revealed:
            return "<p role='status'>Your prediction is committed.</p>"
        word = "✓ Right." if self.correct else "✗ Not quite."
        feedback = f"<p role='status'><b>{word}</b> {html.escape(self.feedback)}</p>"
        if not self.correct:
            return feedback
        return (
            feedback
            + "<details><summary>Why not the others?</summary><ul>"
            + "".join(
                f"<li><b>{html.escape(option)}</b><br>{html.escape(feedback)}</li>"
                for option, feedback in self.options.items()
                if option != self.answer
            )
            + "</ul></details>"
        )

    def _still_html(self) -> str:
        """The question, and what was answered, for a reader without a kernel.

        Before an answer each feedback is folded under its option; in class no feedback is there.
        """
        asked = f"<p><b>{html.escape(self.question)}</b></p>"
        if self._attempts:
            waits = self._committed and not self._revealed
            shown = self._attempts[:-1] if waits else self._attempts
            answers = "".join(f"<li>{self._judged(option)}</li>" for option in shown)
            if waits:
                answers += f"<li><b>{html.escape(self._attempts[-1])}</b> (not revealed yet)</li>"
            return f"{asked}<p>What was predicted here:</p><ol>{answers}</ol>"
        if self.class_mode or self.answer is None:
            items = "".join(f"<li>{html.escape(option)}</li>" for option in self.options)
            return f"{asked}<p>Run the cell to commit a prediction.</p><ul>{items}</ul>"
        folded = "".join(
            f"<details><summary>{html.escape(option)}</summary><p>{self._judged(option, '')}</p>"
            "</details>"
            for option in self.options
        )
        return (
            f"{asked}<p>Choose one, then open it. (Run the cell to commit a prediction.)</p>"
            f"{folded}"
        )

    def _judged(self, option: str, name: str | None = None) -> str:
        if self.answer is None:
            return html.escape(option)
        word = "✓ Right." if option == self.answer else "✗ Not quite."
        name = f"{html.escape(option)}<br>" if name is None else name
        return f"{name}<b>{word}</b> {html.escape(self.options[option])}"

    def __repr__(self) -> str:
        return f"Prediction({self.question!r}, {len(self.options)} options)"

    def _bundle(self) -> dict[str, Any]:
        """What is shown of it, by its mime type: the live widget, the still HTML, the text."""
        data = dict(super()._repr_mimebundle_())
        data["text/plain"] = repr(self)
        data["text/html"] = self._still_html()
        return data

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return self._bundle()


def _mixed(options: Mapping[str, str], question: str) -> dict[str, str]:
    """The options in an order that tells nothing, the same on every machine."""
    mixed = random.Random(question).sample(sorted(options), len(options))
    return {option: options[option] for option in mixed}


def _refuse_unfit(options: Mapping[str, str], answer: str | None) -> None:
    if not isinstance(options, Mapping):
        raise TypeError(
            f"options gives the feedback on each option, as in {{'5 times': 'You count batches.'}};"
            f" got {options!r}."
        )
    texts = list(options)
    if not all(isinstance(text, str) for text in [*texts, *options.values()]):
        raise TypeError(f"Every option and its feedback is a str; got {dict(options)}.")
    if len(texts) < 2:
        raise ValueError(f"A prediction needs at least two options; got {texts}.")
    if not all(text.strip() for text in texts):
        raise ValueError(f"An option has no text; got {texts}.")
    if len({" ".join(text.split()) for text in texts}) < len(texts):
        raise ValueError(f"Two options read alike, apart from spaces; got {texts}.")
    if answer is None:
        return
    silent = [text for text, feedback in options.items() if not feedback.strip()]
    if silent:
        raise ValueError(
            f"Each option needs a feedback that names the belief behind it; {silent} have none."
        )
    if answer not in texts:
        raise ValueError(f"The answer {answer!r} is not one of the options {texts}.")
